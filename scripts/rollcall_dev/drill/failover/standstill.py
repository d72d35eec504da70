"""How long things stood still: the longest time in which nothing came, in the partition in which it was longest."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from rollcall_dev.chaos.ledger import Attempt, Outcome
from rollcall_domain.partition import partition_for


class Window(NamedTuple):
    """A time that is looked at.

    Attributes:
        begin: In seconds of the monotonic clock.
        end: Likewise.
    """

    begin: float
    end: float


def longest(times: Mapping[int, Sequence[float]], window: Window) -> float:
    """Measure the longest time in which nothing came in one of the partitions, and which ended in the window.

    Args:
        times: When something came in each partition, in ascending order.
        window: Its end ends what has not ended before; its begin begins it where nothing has come before that.

    Returns:
        Seconds.
    """
    return max(_longest(came, window) for came in times.values())


def _longest(came: Sequence[float], window: Window) -> float:
    before = max((time for time in came if time <= window.begin), default=window.begin)
    inside = [time for time in came if window.begin < time < window.end]
    return max(later - earlier for earlier, later in pairwise([before, *inside, window.end]))


def acceptances(attempts: Iterable[Attempt], partitions: int) -> dict[int, list[float]]:
    """List when updates were accepted, by the partition of their student."""
    times: dict[int, list[float]] = {index: [] for index in range(partitions)}
    for attempt in attempts:
        if attempt.outcome is Outcome.ACCEPTED:
            times[partition_for(attempt.student.encode(), partitions)].append(attempt.end)
    return {index: sorted(came) for index, came in times.items()}


class Firsts(NamedTuple):
    """What became of updates when they were sent first.

    Attributes:
        sent: How many were sent.
        refused: How many of them were not accepted at once.
    """

    sent: int
    refused: int

    @property
    def share(self) -> float:
        """Which part was not accepted at once."""
        return self.refused / self.sent if self.sent else 0.0


def firsts(attempts: Iterable[Attempt], window: Window) -> Firsts:
    """Count what became of the updates that were sent first within a window."""
    tries: defaultdict[str | None, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        tries[attempt.key].append(attempt)
    outcomes = [made[0].outcome for made in tries.values() if window.begin <= made[0].begin < window.end]
    return Firsts(len(outcomes), sum(outcome is not Outcome.ACCEPTED for outcome in outcomes))
