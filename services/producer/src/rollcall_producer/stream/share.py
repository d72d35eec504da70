"""A share of the time: work that goes on in slices, between which others have their turn."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

_TICK = 0.001
"""Seconds that the event loop can wait at the least."""


class Share:
    """A share of the time, for all who work by it together, in the order in which they come.

    What others do in the midst of a slice counts as well: the less time there is, the less is taken.

    Args:
        part: The part of the time that is taken at the most, less than 1.
    """

    def __init__(self, part: float) -> None:
        self._rest = (1 - part) / part
        self._turn = asyncio.Lock()
        self._owed = 0.0

    @asynccontextmanager
    async def slice(self) -> AsyncIterator[None]:
        """Wait for a turn, and work while the body runs."""
        async with self._turn:
            if self._owed >= _TICK:
                await asyncio.sleep(self._owed)
                self._owed = 0.0
            begun = monotonic()
            try:
                yield
            finally:
                self._owed += (monotonic() - begun) * self._rest
                await asyncio.sleep(0)
