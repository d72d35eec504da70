"""Plays days: sends each update when its time has come."""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import count
from uuid import uuid4

from rollcall_dev.school.api import Api
from rollcall_dev.school.clock import Clock
from rollcall_dev.school.day import Update
from rollcall_dev.school.display import display
from rollcall_dev.school.lanes import Lanes
from rollcall_dev.school.tally import Tally
from rollcall_dev.school.timetable import OPENS, period, shown


class Player:
    """Plays days, whose updates carry no time: they happen as they are sent.

    Args:
        api: Where they go.
        speed: How many minutes pass at school in one of ours.
        tally: Is told what becomes of them.
    """

    def __init__(self, api: Api, speed: float, tally: Tally) -> None:
        self._api = api
        self._speed = speed
        self._tally = tally
        run = uuid4().hex[:12]
        self._keys = (f"{run}-{number}" for number in count(1))

    async def play(self, days: Iterable[Sequence[Update]], until: float = 0.0) -> None:
        """Play days one after the other, the first one from its first update on.

        Args:
            days: The plans.
            until: Before this time of day, in seconds since midnight, no day is over.

        Raises:
            ApiError: The API will never take them.
        """
        async with Lanes(self._api, self._tally) as lanes:
            for number, updates in enumerate(days, 1):
                clock = Clock(OPENS if number > 1 else updates[0].at, self._speed)
                async with display(f"day {number}", len(updates), partial(self._look, clock, self._tally.settled)):
                    await self._day(updates, clock, lanes)
                    await clock.reach(until)

    async def _day(self, updates: Iterable[Update], clock: Clock, lanes: Lanes) -> None:
        for update in updates:
            await clock.reach(update.at)
            lanes.give(update, next(self._keys))
        await lanes.settled()

    def _look(self, clock: Clock, before: int) -> tuple[int, str]:
        """Tell how many updates of the day are settled, and what time it is and what is going on, or wrong."""
        now = clock.now()
        return self._tally.settled - before, f"{shown(now)}, {self._tally.obstacle() or period(now)}"
