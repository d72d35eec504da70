"""Spans of time, for people."""


def duration(seconds: float) -> str:
    """Write a span of time in the largest unit of which it has at least two."""
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
