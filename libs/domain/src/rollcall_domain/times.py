"""Times as people and programs read them."""

from datetime import UTC, datetime


def write_time(milliseconds: int) -> str:
    """Write a time in RFC 3339, UTC, to the millisecond.

    Args:
        milliseconds: Since 1970, UTC, as a record's timestamp.
    """
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
