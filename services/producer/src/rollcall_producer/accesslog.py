"""Requests in the log: each of them where they are few, and a sample of them where they are many."""

import math
from time import monotonic

import structlog
from starlette.types import Scope

from rollcall_domain.service.rate import Rate
from rollcall_producer.access import client_of

log = structlog.get_logger()

SHOWN = 256
"""How many characters of a path are logged."""

_FAULT = 500


class _Sample:
    """Picks what is logged.

    Attributes:
        free_at: The time of the monotonic clock from which on a line may be written.
        skipped: How many were left out since the last one.
    """

    __slots__ = ("_full_at", "_rate", "free_at", "skipped")

    def __init__(self, rate: float) -> None:
        self._rate = Rate(rate) if rate else None
        self._full_at = 0.0
        self.free_at = -math.inf if rate else math.inf
        self.skipped = 0

    def take(self, now: float) -> int:
        """Pick a line; give how many were left out before it."""
        assert self._rate is not None  # noqa: S101 - or it would never be free
        self._full_at = self._rate.take(self._full_at, now)
        self.free_at = self._rate.free_at(self._full_at)
        skipped, self.skipped = self.skipped, 0
        return skipped


class AccessLog:
    """Logs requests, and counts apart those that failed by a fault of ours: many others must not hide them.

    Args:
        rate: Lines a second, of each of the two kinds; 0 for none.
    """

    def __init__(self, rate: float) -> None:
        self._sample = _Sample(rate)
        self._faults = _Sample(rate)

    def tell(self, scope: Scope, status: int, began: float) -> None:
        """Log a request, or leave it out. 0.2 µs for one that is left out.

        Args:
            scope: The request.
            status: The HTTP status of the answer.
            began: When it came in, in seconds of the monotonic clock.
        """
        now = monotonic()
        sample = self._sample if status < _FAULT else self._faults
        if now < sample.free_at:
            sample.skipped += 1
            return
        log.info(
            "Request",
            method=scope["method"],
            path=scope["raw_path"][:SHOWN].decode("ascii", "backslashreplace"),
            status=status,
            ms=round((now - began) * 1000, 1),
            client=client_of(scope),
            skipped=sample.take(now),
            **_size(scope),
        )


def _size(scope: Scope) -> dict[str, int]:
    """Tell how long the body is, if that was said before it, and how many updates of an upload were accepted."""
    declared: bytes = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    size = {"bytes": int(declared)} if declared.isdigit() else {}
    return {**size, "accepted": scope["accepted"]} if "accepted" in scope else size
