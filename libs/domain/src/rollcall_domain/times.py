"""Times as people and programs read them."""

from datetime import UTC, datetime
from functools import lru_cache

_MINUTE = 60_000
"""Milliseconds."""


def write_time(milliseconds: int) -> str:
    """Write a time in RFC 3339, UTC, to the millisecond.

    Args:
        milliseconds: Since 1970, UTC, as a record's timestamp.
    """
    minute, rest = divmod(milliseconds, _MINUTE)
    return f"{_begin(minute)}:{rest // 1000:02}.{rest % 1000:03}Z"


@lru_cache(maxsize=4096)
def _begin(minute: int) -> str:
    """Write all but the seconds: times that are told together mostly lie close together."""
    return datetime.fromtimestamp(minute * (_MINUTE // 1000), UTC).isoformat(timespec="minutes").removesuffix("+00:00")
