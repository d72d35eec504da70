"""A student's events, as they lie in the log."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from typing import NamedTuple

from aiokafka import TopicPartition

from rollcall_domain import codec
from rollcall_domain.errors import UnreadableRecordError
from rollcall_domain.events import StudentRecordUpdate
from rollcall_domain.headers import ID
from rollcall_domain.record import INBOX, SOURCE
from rollcall_domain.service.records import Record
from rollcall_producer.past.archive import Archive, Sieve

_ESCAPE = b"\\u"
"""How JSON writes a character that may as well be written as it is."""

_SPECIAL = frozenset('"\\/')
"""Characters that JSON may write in a shorter way, of which the bytes of other things are full."""


class Event(NamedTuple):
    """An update of a student, and where it lies.

    Attributes:
        update: The update.
        timestamp: When, in milliseconds since 1970, UTC.
        source: The input that it lies in: `record.SOURCE` or `record.INBOX`.
        partition: The partition there.
        offset: The offset there.
        id: Its record's id, if it has one.
    """

    update: StudentRecordUpdate
    timestamp: int
    source: int
    partition: int
    offset: int
    id: bytes | None

    @property
    def position(self) -> str:
        """Where it lies, in the API's words."""
        place = f"{self.partition}@{self.offset}"
        return f"inbox:{place}" if self.source == INBOX else place


class Spans(NamedTuple):
    """How far each of the inputs is to be read.

    Attributes:
        partitions: The student's partition of each.
        begins: The offsets at which to begin.
        ends: Those that come after the last.
    """

    partitions: tuple[TopicPartition, TopicPartition]
    begins: tuple[int, int]
    ends: tuple[int, int]


def sieve(student_id: str) -> Sieve:
    """Find batches that may hold updates of a student, without reading them."""
    plain = student_id.encode()
    if not _SPECIAL.isdisjoint(student_id):
        return lambda *_: True

    def may_hold(data: bytes, begin: int, end: int) -> bool:
        return data.find(plain, begin, end) >= 0 or data.find(_ESCAPE, begin, end) >= 0

    return may_hold


async def events(archive: Archive, student_id: str, spans: Spans) -> AsyncGenerator[Event, None]:
    """Read a student's events: those of each input in their order, and all of them in that of time.

    Raises:
        KafkaError: Kafka can't be reached, or refuses.
    """
    wanted = sieve(student_id)
    inputs = [
        _of(student_id, source, partition, archive.scan(partition, spans.begins[source], spans.ends[source], wanted))
        for source, partition in zip((SOURCE, INBOX), spans.partitions, strict=True)
    ]
    heads = [await anext(events, None) for events in inputs]
    while True:
        there = [(head.timestamp, source) for source, head in enumerate(heads) if head is not None]
        if not there:
            return
        _, source = min(there)
        head, heads[source] = heads[source], await anext(inputs[source], None)
        assert head is not None  # noqa: S101 - it is one of those that are there
        yield head


async def _of(
    student_id: str, source: int, partition: TopicPartition, scanned: AsyncIterator[list[Record]]
) -> AsyncIterator[Event]:
    async for records in scanned:
        for event in _read(student_id, source, partition.partition, records):
            yield event


def _read(student_id: str, source: int, partition: int, records: Iterable[Record]) -> list[Event]:
    found, plain = [], student_id.encode()
    for record in records:
        value = record.value
        if not value or (plain not in value and b"\\" not in value):
            continue
        try:
            update = codec.decode(value)
        except UnreadableRecordError:
            continue
        if update is not None and update.student_id == student_id:
            found.append(Event(update, record.timestamp, source, partition, record.offset, identity(record)))
    return found


def identity(record: Record) -> bytes | None:
    """Give a record's id, if it has one."""
    return next((value for name, value in record.headers if name == ID and value is not None), None)
