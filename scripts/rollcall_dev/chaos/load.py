"""The load: single updates and uploads at once."""

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any

from rollcall_dev.chaos.callers import Callers, Door
from rollcall_dev.chaos.crowd import Crowd
from rollcall_dev.chaos.ledger import Ledger, Outcome
from rollcall_dev.chaos.uploads import Uploaders

CALLERS = 30
UPLOADERS = 2
LINES = 2000
"""Lines of an upload."""


class Load(Crowd):
    """Callers and uploaders at work while the body runs.

    Args:
        ledger: Where each attempt is noted.
        door: Where the API is.

    Attributes:
        callers: Sends single updates.
    """

    def __init__(self, ledger: Ledger, door: Door) -> None:
        super().__init__(door)
        self.callers = Callers(ledger, door, self._tell)
        self._uploaders = Uploaders(ledger, door, LINES, self._tell)
        self._changed = asyncio.Event()
        self._accepted = 0

    def _clients(self) -> Iterator[Coroutine[Any, Any, None]]:
        yield from map(self.callers.call, range(CALLERS))
        yield from map(self._uploaders.upload, range(UPLOADERS))

    async def accepted(self, number: int) -> None:
        """Wait until a number of further updates is accepted, of those that are sent one by one."""
        wanted = self._accepted + number
        while self._accepted < wanted:
            self._changed.clear()
            await self._changed.wait()

    def _tell(self, outcome: Outcome) -> None:
        self._accepted += outcome is Outcome.ACCEPTED
        self._changed.set()
