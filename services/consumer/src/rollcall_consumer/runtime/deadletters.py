"""Dead letters: records that could not be handled, kept with their original bytes."""

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import msgspec
import structlog
from aiokafka import TopicPartition
from msgspec import UNSET, Meta, UnsetType

from rollcall_consumer import metrics
from rollcall_consumer.runtime.outbox import Outbox
from rollcall_consumer.runtime.tolerance import Tolerance
from rollcall_consumer.runtime.workplace import Workplace
from rollcall_domain.errors import Reason
from rollcall_domain.headers import LETTER
from rollcall_domain.service.records import ForeignHeader, Record
from rollcall_domain.topics import DEAD_LETTERS

log = structlog.get_logger()

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

    reason: Reason
    detail: str
    group: str
    topic: str
    partition: Number
    offset: Number
    timestamp: Number
    truncated_from: Number | UnsetType = UNSET


class Refusal(NamedTuple):
    """A record that could not be handled.

    Attributes:
        partition: Where the record lies.
        record: The record.
        reason: What is wrong with it, for programs.
        detail: What is wrong with it, for people.
        more: Headers that it gets beside its own.
    """

    partition: TopicPartition
    record: Record
    reason: Reason
    detail: str
    more: Sequence[ForeignHeader] = ()


class LetterBox:
    """Takes the dead letters of one partition index, as long as there are not too many of them.

    Args:
        index: The partition's index.
        workplace: What the work on all partitions shares.
    """

    def __init__(self, index: int, workplace: Workplace) -> None:
        settings, limit = workplace.settings, workplace.letter_limit
        self._place = workplace.place(DEAD_LETTERS, index)
        self._group = settings.owner
        self._limit = max(1, limit - RESERVE if limit > 2 * RESERVE else limit // 2)
        self._tolerance = Tolerance(settings.dead_letter_share, settings.dead_letter_run)

    def full(self, record: Record, number: int) -> str | None:
        """Tell that a record can't be taken: there are too many of them already.

        Those that operators have sent back do not count: that they fail again says nothing of other records.

        Args:
            record: The record.
            number: How many records were handled before it.

        Returns:
            What is too much, for people; None if the record may be put in.
        """
        returned = any(name == LETTER for name, _ in record.headers)
        return None if returned else self._tolerance.exceeded_by(number)

    def put(self, outbox: Outbox, letter: Refusal) -> None:
        """Have a record's dead letter written: its own bytes, and beside them why and where from."""
        record = letter.record
        value = None if record.value is None else record.value[: self._limit]
        outbox.add(self._place, record.timestamp, record.key, value, self._headers(letter))

    def _headers(self, letter: Refusal) -> list[ForeignHeader]:
        record = letter.record
        size = len(record.value or b"")
        why = DeadLetterHeaders(
            reason=letter.reason,
            detail=letter.detail,
            group=self._group,
            topic=letter.partition.topic,
            partition=str(letter.partition.partition),
            offset=str(record.offset),
            timestamp=str(record.timestamp),
            truncated_from=str(size) if size > self._limit else UNSET,
        )
        headers: dict[str, str] = msgspec.to_builtins(why)
        return [*record.headers, *letter.more, *((name, value.encode()) for name, value in headers.items())]


def tell(refusal: Refusal) -> None:
    """Log and count a dead letter that was written."""
    metrics.dead_letters.labels(refusal.reason).inc()
    topic, partition = refusal.partition
    place = {"topic": topic, "partition": partition, "offset": refusal.record.offset}
    log.warning("Kept a dead letter", reason=refusal.reason, detail=refusal.detail, **place)
