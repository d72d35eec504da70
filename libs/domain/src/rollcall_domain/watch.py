"""Who is to be looked at again, and when: a limit passes although nothing happens."""

from collections.abc import Iterator
from heapq import heappop, heappush

TICK = 1000
"""Milliseconds: how exact the clock is."""


class Watch:
    """Students by the time at which they are to be looked at. Each of them is there once at the most.

    Attributes:
        students: All of them.
    """

    def __init__(self) -> None:
        self.students: set[str] = set()
        self._ticks: list[int] = []
        self._due: dict[int, list[str]] = {}

    def add(self, student_id: str, due: int) -> None:
        """Have a student looked at who is not watched.

        Args:
            student_id: Who.
            due: When, in milliseconds since 1970, UTC; up to a second later will do.
        """
        tick = -(-due // TICK)
        students = self._due.get(tick)
        if students is None:
            students = self._due[tick] = []
            heappush(self._ticks, tick)
        students.append(student_id)
        self.students.add(student_id)

    def next(self) -> int | None:
        """Tell when somebody is to be looked at, in milliseconds since 1970, UTC; None if nobody is."""
        return self._ticks[0] * TICK if self._ticks else None

    def pop(self, now: int) -> Iterator[str]:
        """Give those who are to be looked at by now, and are not watched any more.

        Args:
            now: In milliseconds since 1970, UTC.
        """
        while self._ticks and self._ticks[0] * TICK <= now:
            for student_id in self._due.pop(heappop(self._ticks)):
                self.students.discard(student_id)
                yield student_id
