"""What a load has measured."""

from collections.abc import Sequence
from math import ceil

import msgspec


class Result(msgspec.Struct):
    """What became of a number of requests.

    Attributes:
        answers: How many were answered.
        seconds: From the first request to the last answer.
        p50: Seconds within which half of the answers came.
        p99: Seconds within which 99 in 100 came.
        cpu_seconds: CPU time of the load itself.
        failures: How often something else than 200 was answered, by what it was.
        failure: What the first of those said.
        accepted: How many updates were accepted, as the answers of bulk requests say.
    """

    answers: int
    seconds: float
    p50: float
    p99: float
    cpu_seconds: float
    failures: dict[str, int]
    failure: str = ""
    accepted: int = 0


def percentile(ascending: Sequence[float], rank: float) -> float:
    """Find the least value that is not below a share of all, in per cent; 0 if there is none."""
    if not ascending:
        return 0.0
    return ascending[max(0, ceil(len(ascending) * rank / 100) - 1)]
