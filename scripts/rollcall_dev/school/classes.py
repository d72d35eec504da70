"""The school's classes, and who is in them."""

from collections.abc import Sequence
from math import ceil
from string import ascii_lowercase
from typing import NamedTuple

from rollcall_dev.school.timetable import PERIODS

STUDENTS = 500
"""How many there are, unless told otherwise."""

SIZE = 25
"""Students of a class at the most."""

LAST_LESSONS = {
    5: ("fifth lesson",),
    6: ("fifth lesson",),
    7: ("fifth lesson", "sixth lesson"),
    8: ("sixth lesson",),
    9: ("sixth lesson", "seventh lesson"),
    10: ("seventh lesson",),
    11: ("seventh lesson", "eighth lesson"),
    12: ("eighth lesson",),
}
"""All grades, and with which lesson a day may end for them."""


class SchoolClass(NamedTuple):
    """A class.

    Attributes:
        name: Such as 7b.
        grade: Such as 7.
        students: The ids of all who are in it, such as 7b-012.
    """

    name: str
    grade: int
    students: Sequence[str]

    @property
    def ends(self) -> Sequence[float]:
        """When its day may end."""
        return [PERIODS[lesson].end for lesson in LAST_LESSONS[self.grade]]


def classes(students: int) -> list[SchoolClass]:
    """Spread a number of students over classes of all grades."""
    count = ceil(students / SIZE)
    sizes = [students // count + (number < students % count) for number in range(count)]
    return [_school_class(number, size) for number, size in enumerate(sizes)]


def _school_class(number: int, size: int) -> SchoolClass:
    grades = [*LAST_LESSONS]
    grade = grades[number % len(grades)]
    name = f"{grade}{_letters(number // len(grades))}"
    return SchoolClass(name, grade, [f"{name}-{student:03}" for student in range(1, size + 1)])


def _letters(number: int) -> str:
    """Count in letters: a to z, then aa and so on."""
    before, last = divmod(number, len(ascii_lowercase))
    return (_letters(before - 1) if before else "") + ascii_lowercase[last]
