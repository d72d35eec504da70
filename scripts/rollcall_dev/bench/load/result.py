"""What a load has measured."""

from collections.abc import Sequence
from math import ceil

import msgspec


class Result(msgspec.Struct):
    """What became of a number of requests, and what was spent on them.

    Attributes:
        answers: How many were answered.
        seconds: From the first request to the last answer.
        p50: Seconds within which half of the answers came.
        p99: Seconds within which 99 in 100 came.
        cpu_seconds: CPU time of what is measured.
        load_cpu_seconds: CPU time of the load itself.
        failures: How often something else than 200 was answered, by what it was.
        failure: What the first of those said.
        accepted: How many updates were accepted, where answers say so.
    """

    answers: int
    seconds: float
    p50: float
    p99: float
    cpu_seconds: float
    load_cpu_seconds: float = 0.0
    failures: dict[str, int] = {}
    failure: str = ""
    accepted: int = 0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    @property
    def cpu_us(self) -> float:
        """Microseconds of CPU time for an answer."""
        return self.cpu_seconds / self.answers * 1e6

    @property
    def load_cpu_us(self) -> float:
        """Microseconds of the load's CPU time for an answer."""
        return self.load_cpu_seconds / self.answers * 1e6


def percentile(ascending: Sequence[float], rank: float) -> float:
    """Find the least value that is not below a share of all, in per cent; 0 if there is none."""
    if not ascending:
        return 0.0
    return ascending[max(0, ceil(len(ascending) * rank / 100) - 1)]
