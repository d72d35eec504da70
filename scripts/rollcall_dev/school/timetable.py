"""The timetable: what is when. Times are seconds since midnight."""

from bisect import bisect_right
from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

_MINUTE = 60
_HOUR = 3600


class Period(NamedTuple):
    """A part of the day.

    Attributes:
        name: What it is called.
        begin: When it begins.
        end: When it ends.
    """

    name: str
    begin: float
    end: float

    def after(self, share: float) -> float:
        """Tell when a share of it is over, from 0 to 1."""
        return self.begin + share * (self.end - self.begin)


def time(hour: int, minute: int = 0) -> float:
    """Give a time of day."""
    return hour * _HOUR + minute * _MINUTE


OPENS, CLOSES = time(6, 45), time(17, 15)
"""When a day begins and ends: long enough for logins of two days to be two things for the rule `many-logins`, which
goes by the clock on the wall, at 60 times the speed."""

_BELLS = (
    (OPENS, "before school"),
    (time(7), "arrival"),
    (time(8), "first lesson"),
    (time(8, 45), "second lesson"),
    (time(9, 30), "first break"),
    (time(9, 50), "third lesson"),
    (time(10, 35), "fourth lesson"),
    (time(11, 20), "second break"),
    (time(11, 40), "fifth lesson"),
    (time(12, 25), "lunch"),
    (time(13, 15), "sixth lesson"),
    (time(14), "seventh lesson"),
    (time(14, 45), "eighth lesson"),
    (time(15, 30), "clubs"),
    (time(16, 45), "after school"),
    (CLOSES, ""),
)

PERIODS: Mapping[str, Period] = {name: Period(name, begin, end) for (begin, name), (end, _) in pairwise(_BELLS)}
"""All parts of the day by name, in order."""

PAUSES = (PERIODS["first break"], PERIODS["second break"], PERIODS["lunch"])
"""Between lessons, when students log out and in again."""

_BEGINS = [period.begin for period in PERIODS.values()]
_NAMES = [*PERIODS]


def shown(at: float) -> str:
    """Write a time of day as a clock shows it: `09:42`."""
    minutes = int(at // _MINUTE)
    return f"{minutes // 60:02}:{minutes % 60:02}"


def period(at: float) -> str:
    """Name the part of the day to which a time belongs; what comes after all of them belongs to the last."""
    return _NAMES[max(0, bisect_right(_BEGINS, at) - 1)]
