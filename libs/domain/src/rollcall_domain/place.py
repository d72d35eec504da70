"""Places in the log, as people name them."""

import re
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeAlias

_SPAN = re.compile(r"(\d{1,9})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Edge(Enum):
    """An end of the log."""

    BEGINNING = "beginning"
    LATEST = "latest"


Place: TypeAlias = Edge | datetime
"""Where in the log to begin: at an end of it, or with the first record of a time or later."""


def parse_place(text: str, now: datetime) -> Place:
    """Read a place in the log.

    Args:
        text: `beginning`, `latest`, a span back from now such as `-2m` (s, m, h or d), or a time in ISO 8601.
        now: What a span is counted back from.

    Raises:
        ValueError: The text is none of these, or a time without its offset from UTC.
    """
    if text in (edge.value for edge in Edge):
        return Edge(text)
    if text.startswith("-") and _SPAN.fullmatch(text[1:]):
        try:
            return now - parse_span(text[1:])
        except OverflowError:
            raise ValueError(f"{text!r} is too far back") from None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not beginning, latest, a span such as -2m, or a time in ISO 8601") from None
    if time.tzinfo is None:
        raise ValueError(f"{text!r} does not say its offset from UTC; write it as 2026-11-23T10:00Z if it is in UTC")
    return time


def parse_span(text: str) -> timedelta:
    """Read a span of time.

    Args:
        text: A number of seconds, minutes, hours or days, such as `30m`.

    Raises:
        ValueError: The text is none of these.
    """
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a span such as 30s, 10m, 1h or 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
