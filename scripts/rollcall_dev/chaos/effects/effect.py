"""The effect of a run: it does what an alert says, and keeps a ledger."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from random import uniform

from rollcall_consumer.errors import PermanentError
from rollcall_consumer.runtime.effects.effect import Delivery, Handle, Terms
from rollcall_consumer.runtime.effects.pipeline import EffectPipeline
from rollcall_consumer.settings import ConsumerSettings
from rollcall_dev.chaos.effects.alerts import Kind, act_of
from rollcall_dev.chaos.effects.ledger import Ledger, Mark
from rollcall_domain import codec
from rollcall_domain.alert import Alert
from rollcall_domain.topics import ALERTS

TERMS = Terms(limit=0.5, tries=5, first_pause=0.05, longest_pause=0.5)

WORK = (0.001, 0.008)
"""Seconds that a try takes."""


def ledgered(directory: Path, *, mended: bool = False) -> EffectPipeline[Alert]:
    """Make the pipeline.

    Args:
        directory: The directory for ledgers.
        mended: Whether nothing is poison any more, and nothing refused.
    """

    @contextlib.asynccontextmanager
    async def opened(_: ConsumerSettings) -> AsyncIterator[Handle[Alert]]:
        with contextlib.closing(Ledger(directory)) as ledger:
            yield _Handler(ledger, mended=mended).handle

    return EffectPipeline(name="ledger", source=ALERTS, read=codec.read_alert, handler=opened, terms=TERMS)


class _Handler:
    def __init__(self, ledger: Ledger, *, mended: bool) -> None:
        self._ledger = ledger
        self._mended = mended

    async def handle(self, delivery: Delivery[Alert]) -> None:
        self._ledger.note(Mark.BEGUN, delivery)
        try:
            await self._act(delivery)
        except asyncio.CancelledError:
            self._ledger.note(Mark.CUT, delivery)
            raise
        except Exception:
            self._ledger.note(Mark.FAILED, delivery)
            raise
        self._ledger.note(Mark.DONE, delivery)

    async def _act(self, delivery: Delivery[Alert]) -> None:
        act = act_of(delivery.event)
        await asyncio.sleep(uniform(*WORK))  # noqa: S311 - it guards nothing
        if act.kind is Kind.REFUSED and not self._mended:
            raise PermanentError("it says so")
        if act.kind is Kind.POISON and not self._mended:
            raise ValueError("it says so, for ever")
        if delivery.attempt <= act.failures:
            if act.kind is Kind.HANGS:
                await asyncio.Event().wait()
            raise ValueError("it says so, for now")
