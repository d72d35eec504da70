"""The command `scripts/drill slow`: a record that takes minutes, beside others that do not."""

import argparse
import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from time import monotonic

import uvloop

from rollcall_consumer.runtime.effects.effect import Delivery, Handle, Terms
from rollcall_consumer.runtime.effects.pipeline import EffectPipeline
from rollcall_consumer.runtime.members import members
from rollcall_consumer.runtime.worker import Worker, engaged
from rollcall_consumer.settings import ConsumerSettings
from rollcall_dev.chaos.cluster import cluster
from rollcall_dev.chaos.record.run import Progress
from rollcall_dev.chaos.record.stage import Stage
from rollcall_dev.drill.report import Report, unlike
from rollcall_dev.drill.sending.alerts import Alerts
from rollcall_domain import codec
from rollcall_domain.alert import Alert
from rollcall_domain.topics import ALERTS

SUMMARY = "a record whose handler takes seven minutes, while others go on"

LOOK = 1.0
"""Seconds between looks at the group."""

LIMIT = 60.0
"""Seconds for replicas to begin, and for the rest to be handled at the end."""


@dataclass(frozen=True)
class Plan:
    """What is rehearsed.

    Attributes:
        seed: Draws whom alerts are about.
        minutes: How long the slow record takes.
        rate: Alerts a second beside it.
    """

    seed: int = 1
    minutes: float = 7.0
    rate: float = 50.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--minutes", type=float, default=Plan.minutes, metavar="N", help="default: %(default)g")


def run(options: argparse.Namespace) -> Report:
    """Rehearse."""
    return uvloop.run(rehearse(Plan(options.seed, options.minutes)))


@dataclass
class _Handler:
    """Takes its time for the first alert of all, and none for the others."""

    seconds: float
    begun: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    @contextlib.asynccontextmanager
    async def opened(self, _: ConsumerSettings) -> AsyncIterator[Handle[Alert]]:
        yield self._handle

    async def _handle(self, delivery: Delivery[Alert]) -> None:
        alert = delivery.event
        self.begun.append(alert.id)
        if alert.cause == "0":
            await asyncio.sleep(self.seconds)
        self.done.append(alert.id)


async def rehearse(plan: Plan) -> Report:
    """Have two replicas at work while one of them is busy with a record for minutes."""
    tell, handler = Progress(), _Handler(plan.minutes * 60)
    pipeline = EffectPipeline(
        name="slow",
        source=ALERTS,
        read=codec.read_alert,
        handler=handler.opened,
        terms=Terms(limit=2 * handler.seconds),
    )
    with cluster(1) as (broker,):
        stage = Stage(broker.bootstrap_servers, {})
        await stage.set_up()
        alerts = Alerts(stage.settings, plan.rate, 500, plan.seed)
        async with _working(pipeline, stage.settings) as first, _working(pipeline, stage.settings) as second:
            await _ready([first, second])
            tell("two replicas are at work")
            async with alerts.coming():
                groups = await _watch(pipeline.settings(stage.settings), handler)
            tell("the slow record is handled")
            await _handled(handler, len(alerts.written))
    return _report(handler, alerts.written, groups)


@contextlib.asynccontextmanager
async def _working(pipeline: EffectPipeline[Alert], settings: ConsumerSettings) -> AsyncIterator[Worker]:
    async with engaged(pipeline, settings) as worker:
        running = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            running.cancel()
            await asyncio.wait([running])


async def _ready(workers: Sequence[Worker]) -> None:
    async with asyncio.timeout(LIMIT):
        while not all(worker.tasks and worker.ready() is None for worker in workers):  # noqa: ASYNC110 - can only be asked
            await asyncio.sleep(0.1)


async def _watch(settings: ConsumerSettings, handler: _Handler) -> list[frozenset[str]]:
    """Look who holds partitions until the slow record is handled; give each different answer."""
    seen: list[frozenset[str]] = []
    begun = monotonic()
    async with members(settings) as group:
        while monotonic() - begun < handler.seconds + LIMIT:
            holders = frozenset(f"{index} {member}" for index, member in (await group.holders()).items())
            if not seen or seen[-1] != holders:
                seen.append(holders)
            if handler.begun and handler.begun[0] in handler.done:
                break
            await asyncio.sleep(LOOK)
    return seen


async def _handled(handler: _Handler, count: int) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LIMIT):
            while len({*handler.done}) < count:  # noqa: ASYNC110 - it is only noted
                await asyncio.sleep(0.1)


def _report(handler: _Handler, written: Sequence[Alert], groups: Sequence[frozenset[str]]) -> Report:
    slow = written[0]
    behind = sum(each.student_id == slow.student_id for each in written) - 1
    begun = Counter(handler.begun)
    while_slow = handler.done.index(slow.id) if slow.id in handler.done else 0
    figures: dict[str, float | str] = {
        "alerts": len(written),
        "lost": len(written) - len({*handler.done}),
        "repeated": begun.total() - len(begun),
        "slow_seconds": handler.seconds,
        "slow_begun": begun[slow.id],
        "handled_meanwhile": while_slow,
        "waited_behind_it": behind,
        "times_partitions_moved": len(groups) - 1,
        "members": len({holder.partition(" ")[2] for holder in groups[-1]}),
    }
    expected = {"lost": 0, "repeated": 0, "slow_begun": 1, "times_partitions_moved": 0, "members": 2}
    broken = [*unlike(figures, expected)]
    if while_slow < len(written) - behind - 1 - 50:
        broken.append(f"only {while_slow} alerts were handled meanwhile")
    return Report(figures, broken)
