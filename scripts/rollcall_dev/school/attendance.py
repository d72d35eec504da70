"""When a student is in: one visit after the other."""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from rollcall_dev.school.timetable import PAUSES, PERIODS, time

MOST_PAUSES = 2
"""In how many pauses a student logs out at the most: for the same reason as the school is closed for so long."""

_GOES_OUT = 0.6
"""How likely a student logs out in a pause."""

_COMES_AND_GOES = 0.3
"""The share of a pause in which students go out, and that in which they come back."""

_LATE = 0.03
"""How likely a student comes late."""

_LATEST = time(9)

_CLUB = 0.1
"""How likely a student stays for a club."""

_CLUBS_END = (time(16, 15), time(16, 45))

_TO_THE_GATE = 10 * 60
"""Seconds from the end of the last lesson within which a student logs out."""


class Visit(NamedTuple):
    """A time for which a student is logged in.

    Attributes:
        begin: When they log in.
        end: When they log out.
    """

    begin: float
    end: float


def visits(draw: Random, end: float) -> list[Visit]:
    """Draw a student's day.

    Args:
        draw: What all chance comes from.
        end: When the last lesson ends.

    Returns:
        All visits, in order: one at the least.
    """
    edges = [_arrival(draw)]
    for begin, back in _pauses(draw, end):
        edges += begin, back
    edges.append(_leave(draw, end))
    return [Visit(*edges[at : at + 2]) for at in range(0, len(edges), 2)]


def _arrival(draw: Random) -> float:
    gate = PERIODS["arrival"]
    if draw.random() < _LATE:
        return draw.uniform(gate.end, _LATEST)
    return draw.triangular(gate.begin, gate.end, gate.after(0.8))


def _pauses(draw: Random, end: float) -> Sequence[tuple[float, float]]:
    """Draw when a student goes out and comes back in pauses."""
    outside = [pause for pause in PAUSES if pause.end < end and draw.random() < _GOES_OUT]
    while len(outside) > MOST_PAUSES:
        outside.remove(draw.choice(outside))
    return [
        (pause.after(draw.uniform(0, _COMES_AND_GOES)), pause.after(draw.uniform(1 - _COMES_AND_GOES, 1)))
        for pause in outside
    ]


def _leave(draw: Random, end: float) -> float:
    if draw.random() < _CLUB:
        return draw.uniform(*_CLUBS_END)
    return draw.uniform(end, end + _TO_THE_GATE)
