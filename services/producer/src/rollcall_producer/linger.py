"""When the batches that wait for one broker leave: together, and as soon as nothing more is coming in.

A produce request costs the same for one batch as for six. So the lanes of a broker wait until its last request is
answered, and then for as long as each pass of the event loop brings further records: while it has other work to do
anyway. Where the last request took a lone record, the next one leaves at once.
"""

import asyncio
import contextlib
from collections.abc import Callable

QUIET = 2
"""Passes of the loop without a further record after which a batch leaves: a request takes two to become a record."""

GATHER = 0.002
"""Seconds for which records may go on coming in before a batch leaves all the same."""

HOLD = 0.05
"""Seconds for which the last request may hold up the next; a partition that is stuck must not stop the others."""


class Linger:
    """Lets the lanes of one broker leave together.

    Args:
        waiting: Counts the records that wait.
    """

    def __init__(self, waiting: Callable[[], int]) -> None:
        self._waiting = waiting
        self._landed = asyncio.Event()
        self._landed.set()
        self._departure: asyncio.Event | None = None
        self._departing: asyncio.Task[None] | None = None
        self._is_busy = False

    async def leave(self) -> None:
        """Wait for the next departure."""
        if self._departure is None:
            if self._landed.is_set() and not self._is_busy:
                self._depart()
                return
            self._departure = asyncio.Event()
            self._departing = asyncio.create_task(self._prepare(self._departure), name="linger")
        await self._departure.wait()

    def land(self) -> None:
        """Tell that a batch of the last departure is settled."""
        self._landed.set()

    async def _prepare(self, departure: asyncio.Event) -> None:
        if not self._landed.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HOLD):
                    await self._landed.wait()
        await self._gather()
        self._depart()
        self._departure = None
        departure.set()

    def _depart(self) -> None:
        self._is_busy = self._waiting() > 1
        self._landed.clear()

    async def _gather(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + GATHER
        quiet, seen = 0, self._waiting()
        while quiet < QUIET and loop.time() < end:
            await asyncio.sleep(0)
            waiting = self._waiting()
            quiet = quiet + 1 if waiting == seen else 0
            seen = waiting
