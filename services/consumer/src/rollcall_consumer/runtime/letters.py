"""Dead letters as they are read again, and the notes beside them of those that were sent back."""

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from rollcall_consumer.runtime.deadletters import DeadLetterHeaders, Number
from rollcall_domain.headers import LETTER, RETURNS
from rollcall_domain.service.records import ForeignHeader, Record

REDRIVEN = "dead-letter.redriven"
"""The header of a note that a dead letter was sent back."""


class RedrivenHeaders(msgspec.Struct, rename={"redriven": REDRIVEN}):
    """Headers of a note that a dead letter was sent back.

    Attributes:
        redriven: The letter's offset in the same partition.
    """

    redriven: Number


_FIRST = "dead-letter.reason"
"""The first of the headers that a dead letter has beside those of the original."""

Place: TypeAlias = tuple[int, int]
"""Where a dead letter lies: partition and offset."""


class Letter(msgspec.Struct, frozen=True):
    """A dead letter.

    Attributes:
        partition: The partition of the dead letters in which it lies, which is that of the original.
        offset: Where it lies there.
        timestamp: The original's time, in milliseconds since 1970, UTC.
        key: The original key.
        value: The original value.
        headers: The original headers.
        why: Why it could not be handled, and where it lay.
        returns: How often it was sent back before it came here.
        before: Where it lay before it was sent back last, as `place` has it; None if it never was.
    """

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    why: DeadLetterHeaders
    returns: int
    before: bytes | None

    def place(self, topic: str) -> bytes:
        """Say where it lies, in the topic of dead letters of this name."""
        return f"{topic}-{self.partition}-{self.offset}".encode()

    def returned_headers(self, topic: str) -> list[ForeignHeader]:
        """Give the headers with which it is sent back: the original ones, behind where it lies and how often it was."""
        return [(LETTER, self.place(topic)), (RETURNS, b"%d" % (self.returns + 1)), *self.headers]


def read_letter(partition: int, record: Record) -> Letter | None:
    """Read a dead letter; None if a record is none."""
    names = [name for name, _ in record.headers]
    if _FIRST not in names:
        return None
    first = len(names) - 1 - names[::-1].index(_FIRST)
    try:
        told = {name: (value or b"").decode() for name, value in record.headers[first:]}
        why = msgspec.convert(told, DeadLetterHeaders)
    except (msgspec.ValidationError, UnicodeDecodeError):
        return None
    returns = [int(value) for name, value in record.headers[:first] if name == RETURNS and value and value.isdigit()]
    before = next((value for name, value in record.headers[:first] if name == LETTER), None)
    original = [header for header in record.headers[:first] if header[0] not in (LETTER, RETURNS)]
    return Letter(
        partition,
        record.offset,
        record.timestamp,
        record.key,
        record.value,
        original,
        why,
        returns[0] if returns else 0,
        before,
    )


def read_note(record: Record) -> list[int]:
    """Read a note; gives the offset of the letter that was sent back, and nothing if a record is no note."""
    return [int(value) for name, value in record.headers if name == REDRIVEN and value is not None and value.isdigit()]


def note(offset: int) -> list[ForeignHeader]:
    """Give the headers of a note that a letter was sent back."""
    return [(REDRIVEN, b"%d" % offset)]
