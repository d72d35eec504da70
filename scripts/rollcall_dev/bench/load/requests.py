"""The requests that callers send, as bytes that are ready to be written."""

import random

STUDENTS = 10_000
"""How many students the updates are about."""

_SEED = 1
_PUT = b"PUT /Record/Update HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
_POST = (
    b"POST /Record/Updates HTTP/1.1\r\nhost: bench\r\ncontent-type: application/x-ndjson\r\ncontent-length: %d\r\n\r\n"
)


def student_ids(count: int, turn: int = 0) -> list[str]:
    """Draw a number of students at random, the same in each process; another turn gives others."""
    draw = random.Random(_SEED + turn)  # noqa: S311 - the same again
    return [f"s-{draw.randrange(STUDENTS)}" for _ in range(count)]


def update(student_id: str, state: str = "LoggedIn") -> bytes:
    """Write an update as a caller does, in JSON."""
    return b'{"StudentId":"%b","State":"%b"}' % (student_id.encode(), state.encode())


def lines(count: int, turn: int = 0) -> bytes:
    """Write a number of updates, one a line."""
    return b"".join(update(student_id) + b"\n" for student_id in student_ids(count, turn))


def puts() -> list[bytes]:
    """Build requests of one update each, as many as there are students."""
    return [put(student_id) for student_id in student_ids(STUDENTS)]


def put(student_id: str, state: str = "LoggedIn") -> bytes:
    """Build a request of one update."""
    body = update(student_id, state)
    return _PUT % (len(body), body)


def posts(records: int, variants: int) -> list[bytes]:
    """Build requests of many updates each.

    Args:
        records: Updates in each.
        variants: How many different requests.
    """
    return [posting(len(body)) + body for body in (lines(records, turn) for turn in range(variants))]


def posting(size: int) -> bytes:
    """Build the head of a request of many updates, whose body has a size in bytes."""
    return _POST % size
