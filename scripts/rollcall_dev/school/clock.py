"""The school's clock."""

import asyncio
from time import monotonic

SPEED = 60
"""How many minutes pass at school in one of ours, unless told otherwise: a day takes some ten minutes."""


class Clock:
    """Goes faster than others.

    Args:
        begin: What it shows now, in seconds since midnight.
        speed: How many of its seconds pass in one.
    """

    def __init__(self, begin: float, speed: float) -> None:
        self._begin = begin
        self._speed = speed
        self._started = monotonic()

    def now(self) -> float:
        """Tell the time of day, in seconds since midnight; after 24 hours it goes on."""
        return self._begin + (monotonic() - self._started) * self._speed

    async def reach(self, at: float) -> None:
        """Wait for a time of day, in seconds since midnight; one that has passed has come."""
        while (wait := (at - self.now()) / self._speed) > 0:  # noqa: ASYNC110 - time it is
            await asyncio.sleep(wait)
