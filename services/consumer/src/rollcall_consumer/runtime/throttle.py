"""How fast a replica may go: so many records a second, handed out in turn to the partitions that have some."""

import asyncio
import contextlib
import sys
from time import monotonic

from rollcall_domain.service.rate import Rate

GRANT = 0.1
"""A partition gets in its turn what comes in within so many seconds, or a single record if that is less."""

BURST = 0.5
"""What comes in within so many seconds is kept for when it is needed, or a single record if that is less."""

NO_LIMIT = sys.maxsize
"""The grant where there is no rate."""


class Throttle:
    """A bucket that all partitions of a replica take from. What one has no use for is there for the others."""

    def __init__(self) -> None:
        self._rate: Rate | None = None
        self._grant = NO_LIMIT
        self._full_at = 0.0
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()

    def set(self, per_second: float | None) -> None:
        """Change the rate, for those who wait as well.

        Args:
            per_second: Records a second, more than 0; None for as many as there are.
        """
        self._rate = None if per_second is None else Rate(per_second, BURST)
        self._grant = NO_LIMIT if per_second is None else max(1, int(per_second * GRANT))
        self._changed.set()

    @property
    def free(self) -> bool:
        """Whether there is no rate."""
        return self._rate is None

    async def grant(self) -> int:
        """Wait until some records may be handled; those who wait are served in the order in which they came.

        Returns:
            How many.
        """
        async with self._turn:
            while (wait := self._wait()) > 0:
                self._changed.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._changed.wait()
            self._take(self._grant)
            return self._grant

    def give_back(self, granted: int, handled: int) -> None:
        """Give back what is left of a grant."""
        if granted != NO_LIMIT:
            self._take(handled - granted)

    def _wait(self) -> float:
        return 0.0 if self._rate is None else self._rate.free_at(self._full_at, self._grant) - monotonic()

    def _take(self, count: int) -> None:
        if self._rate is not None:
            self._full_at = self._rate.take(self._full_at, monotonic(), count)
