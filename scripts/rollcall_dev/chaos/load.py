"""The load: single updates and uploads at once."""

import asyncio
from types import TracebackType
from typing import Self

from rollcall_dev.chaos.callers import Callers, Door
from rollcall_dev.chaos.ledger import Ledger, Outcome
from rollcall_dev.chaos.uploads import Uploaders

CALLERS = 30
UPLOADERS = 2
LINES = 2000
"""Lines of an upload."""


class Load:
    """Callers and uploaders at work while the body runs.

    Args:
        ledger: Where each attempt is noted.
        door: Where the API is.

    Attributes:
        callers: Sends single updates.
    """

    def __init__(self, ledger: Ledger, door: Door) -> None:
        self.callers = Callers(ledger, door, self._tell)
        self._uploaders = Uploaders(ledger, door, LINES, self._tell)
        self._ledger = ledger
        self._door = door
        self._changed = asyncio.Event()
        self._accepted = 0
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        for number in range(CALLERS):
            self._tasks.create_task(self.callers.call(number))
        for number in range(UPLOADERS):
            self._tasks.create_task(self._uploaders.upload(number))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._door.ending = True
        await self._tasks.__aexit__(kind, error, traceback)

    async def accepted(self, number: int) -> None:
        """Wait until a number of further updates is accepted, of those that are sent one by one."""
        wanted = self._accepted + number
        while self._accepted < wanted:
            self._changed.clear()
            await self._changed.wait()

    def _tell(self, outcome: Outcome) -> None:
        self._accepted += outcome is Outcome.ACCEPTED
        self._changed.set()
