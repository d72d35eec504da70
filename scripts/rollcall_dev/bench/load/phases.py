"""The phases of an open loop, and what is seen in each."""

from collections import Counter
from math import inf

import msgspec

from rollcall_dev.bench.load.result import percentile

_WELL = (200, 304)

WINDOW = 0.25
"""Seconds of a window, for each of which there is a percentile of its own."""


class Phase(msgspec.Struct):
    """A time in seconds, in which requests begin at one rate, in requests a second."""

    rate: float
    seconds: float


class Seen(msgspec.Struct):
    """What became of the requests that were begun in one phase.

    Attributes:
        offered: How many were begun.
        not_offered: How many were not, because all connections were taken.
        answers: How many answers had which status.
        in_time: How many were answered 200, or 304, before the phase was over.
        lost: How many had none: the connection was refused or lost, or it took longer than patience lasted.
        slowest: Seconds from the beginning of a request to its answer, or to its loss, at the most.
        late: Seconds by which a request was begun after it was due, at the most: what the load itself could not do.
        windows: For each window, seconds within which 99 in 100 were answered so; patience where they were not.
        p50: Seconds within which half of all were.
        p99: Seconds within which 99 in 100 were.
    """

    offered: int
    not_offered: int
    answers: dict[int, int]
    in_time: int
    lost: int
    slowest: float
    late: float
    windows: list[float]
    p50: float = 0.0
    p99: float = 0.0


class Current:
    """A phase while it runs, and while its answers come in.

    Attributes:
        begin: When it began.
        end: When it ends.
        waiting: How many requests wait for an answer.
    """

    def __init__(self, phase: Phase, begin: float) -> None:
        self.begin = begin
        self.end = begin + phase.seconds
        self.waiting = 0
        self._rate = phase.rate
        self._offered = 0
        self._not_offered = 0
        self._late = 0.0
        self._answers: Counter[int] = Counter()
        self._in_time = 0
        self._lost = 0
        self._slowest = 0.0
        self._windows: list[list[float]] = [[] for _ in range(max(1, int(phase.seconds / WINDOW)))]

    def due(self, now: float) -> int:
        """Tell how many requests are due, and were not begun yet."""
        elapsed = now - self.begin
        handled = self._offered + self._not_offered
        self._late = max(self._late, elapsed - handled / self._rate)
        return int(elapsed * self._rate) - handled

    def offer(self) -> None:
        """Take note that a request is begun."""
        self._offered += 1
        self.waiting += 1

    def leave_out(self, count: int) -> None:
        """Take note that requests are not begun."""
        self._not_offered += count

    def answered(self, status: int, begun: float, now: float) -> None:
        """Take note of an answer."""
        accepted = status in _WELL
        self._answers[status] += 1
        self._in_time += accepted and now < self.end
        self._done(begun, now, now - begun if accepted else inf)

    def lose(self, begun: float, now: float) -> None:
        """Take note that there will be no answer."""
        self._lost += 1
        self._done(begun, now, inf)

    def _done(self, begun: float, now: float, counted: float) -> None:
        self.waiting -= 1
        self._slowest = max(self._slowest, now - begun)
        self._windows[min(int((begun - self.begin) / WINDOW), len(self._windows) - 1)].append(counted)

    def seen(self, patience: float) -> Seen:
        """Sum up."""
        ascending = sorted(seconds for window in self._windows for seconds in window)
        ranked = (percentile(sorted(window), 99) if window else patience for window in self._windows)
        return Seen(
            offered=self._offered,
            not_offered=self._not_offered,
            answers=dict(self._answers),
            in_time=self._in_time,
            lost=self._lost,
            slowest=self._slowest,
            late=self._late,
            windows=[min(value, patience) for value in ranked],
            p50=min(percentile(ascending, 50), patience),
            p99=min(percentile(ascending, 99), patience),
        )
