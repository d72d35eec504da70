"""Dead letters: records that could not be handled, kept with their original bytes."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from rollcall_domain.errors import Unreadable, UnreadableRecordError
from rollcall_domain.service.records import ForeignHeader, Record

RESERVE = 128 * 1024
"""Bytes of a dead letter that are kept for its key and headers."""

Number = Annotated[str, Meta(pattern=r"^-?[0-9]+\Z")]
"""A whole number in decimal digits: headers are text."""


class DeadLetterHeaders(msgspec.Struct, kw_only=True, rename=lambda name: "dead-letter." + name.replace("_", "-")):
    """Headers that a dead letter has beside those that the record had before.

    Attributes:
        reason: What is wrong with the record, for programs.
        detail: What is wrong with it, for people.
        group: The consumer group that could not handle it.
        topic: Where it was read.
        partition: The partition there.
        offset: The offset there.
        timestamp: When it was written there, in milliseconds since 1970, UTC.
        truncated_from: The size in bytes of a value that was larger than the topic takes, and was cut short.
    """

    reason: Unreadable
    detail: str
    group: str
    topic: str
    partition: Number
    offset: Number
    timestamp: Number
    truncated_from: Number | UnsetType = UNSET


class DeadLetters:
    """Makes dead letters of the records of one partition.

    Args:
        group: The consumer group.
        limit: Bytes that a dead letter may have.
    """

    def __init__(self, group: str, limit: int) -> None:
        self._group = group
        self._limit = max(1, limit - RESERVE if limit > 2 * RESERVE else limit // 2)

    def value(self, record: Record) -> bytes | None:
        """Give the value of a record's dead letter: its own, without what is beyond the limit."""
        return None if record.value is None else record.value[: self._limit]

    def headers(self, record: Record, error: UnreadableRecordError, topic: str, partition: int) -> list[ForeignHeader]:
        """Say why and where from, after the headers that the record had before."""
        size = len(record.value or b"")
        why = DeadLetterHeaders(
            reason=error.reason,
            detail=error.detail,
            group=self._group,
            topic=topic,
            partition=str(partition),
            offset=str(record.offset),
            timestamp=str(record.timestamp),
            truncated_from=str(size) if size > self._limit else UNSET,
        )
        headers: dict[str, str] = msgspec.to_builtins(why)
        return [*record.headers, *((name, value.encode()) for name, value in headers.items())]
