"""The plan of a school day: who logs in and out when."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from random import Random
from typing import NamedTuple

from rollcall_dev.school.attendance import Visit, visits
from rollcall_dev.school.classes import SchoolClass
from rollcall_dev.school.timetable import PERIODS
from rollcall_domain.events import State

INTRUDER = "guest-013"
"""Who is no student, and logs in again and again within a few minutes."""

_ABSENT = 0.04
"""How likely a student does not come at all."""

_FORGETFUL = 0.01
"""The share of those present who forget to log out; somebody always does."""

_INTRUSIONS = 7
_INTRUSION_SECONDS = 20.0
"""How long an intruder is in, and then out."""

_QUIET = PERIODS["fourth lesson"]
"""Between two breaks: all who have come are in then."""


class Update(NamedTuple):
    """What is to be sent.

    Attributes:
        at: When, in seconds since midnight.
        student: The StudentId.
        state: The state from then on.
    """

    at: float
    student: str
    state: State


def days(school: Sequence[SchoolClass], seed: int, left: Iterable[str] = ()) -> Iterator[list[Update]]:
    """Plan one day after the other, each different.

    Args:
        school: All classes.
        seed: What all chance is drawn from.
        left: Who is logged in before the first day.
    """
    for number in count(1):
        updates = plan(school, Random(f"{seed}/{number}"), left)  # noqa: S311 - the same again
        yield updates
        left = inside(updates)


def plan(school: Sequence[SchoolClass], draw: Random, left: Iterable[str] = ()) -> list[Update]:
    """Plan a day.

    Args:
        school: All classes.
        draw: What all chance comes from.
        left: Who is still logged in, and is logged out by the caretaker before school.

    Returns:
        All updates, in order of time.
    """
    present = _present(school, draw)
    forgetful = {*draw.sample([*present], min(len(present), 1 + int(len(present) * _FORGETFUL)))}
    updates = [*_caretaker(draw, left), *_intruder(draw), *_twice(draw, present, forgetful)]
    for student, stays in present.items():
        updates += _student(student, stays)
        if student in forgetful:
            updates.pop()
    return sorted(updates)


def inside(updates: Iterable[Update]) -> list[str]:
    """Tell who is still logged in after a day."""
    last = {update.student: update.state for update in updates}
    return [student for student, state in last.items() if state is State.LoggedIn]


def _present(school: Sequence[SchoolClass], draw: Random) -> dict[str, list[Visit]]:
    """Draw who comes, and the visits of each."""
    present: dict[str, list[Visit]] = {}
    for one in school:
        end = draw.choice(one.ends)
        present |= {student: visits(draw, end) for student in one.students if draw.random() >= _ABSENT}
    return present


def _student(student: str, stays: Iterable[Visit]) -> Iterator[Update]:
    for stay in stays:
        yield Update(stay.begin, student, State.LoggedIn)
        yield Update(stay.end, student, State.LoggedOut)


def _twice(draw: Random, present: dict[str, list[Visit]], forgetful: set[str]) -> Iterator[Update]:
    """Let a student log in who is logged in: one with few logins, so that these are not too many as well."""
    few = [student for student, stays in present.items() if len(stays) <= 2 and student not in forgetful]  # noqa: PLR2004
    if few:
        yield Update(draw.uniform(_QUIET.begin, _QUIET.end), draw.choice(few), State.LoggedIn)


def _intruder(draw: Random) -> Iterator[Update]:
    begin = draw.uniform(_QUIET.begin, _QUIET.after(0.5))
    stays = [begin + 2 * number * _INTRUSION_SECONDS for number in range(_INTRUSIONS)]
    return _student(INTRUDER, [Visit(stay, stay + _INTRUSION_SECONDS) for stay in stays])


def _caretaker(draw: Random, left: Iterable[str]) -> Iterator[Update]:
    """Log out who is still there from the day before."""
    before = PERIODS["before school"]
    for student in left:
        yield Update(draw.uniform(before.begin, before.after(0.5)), student, State.LoggedOut)
