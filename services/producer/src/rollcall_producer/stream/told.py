"""What a record of one of the stream's topics tells, in the API's words."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import msgspec

from rollcall_domain import codec
from rollcall_domain.errors import UnreadableRecordError
from rollcall_domain.service.records import Record
from rollcall_producer import answers
from rollcall_producer.past.student import identity
from rollcall_producer.stream.kinds import ALERT, EVENT, STATE
from rollcall_producer.update import StateName

_encode = msgspec.json.Encoder().encode

_FAULTS = (*codec.FAULTS, UnreadableRecordError, OverflowError, OSError, ValueError)
"""What is raised where a record can't be told: it is none of ours, or of a time that is none."""


class Told(NamedTuple):
    """What a record tells.

    Attributes:
        kind: The kind of message that it becomes.
        student: Whom it is about.
        state: The student's state, if it is about that.
        data: The message's data: JSON on one line.
    """

    kind: int
    student: str
    state: StateName | None
    data: bytes


Teller: TypeAlias = Callable[[int, Record], Told | None]
"""Tells a record of a partition; None if it says nothing."""


def _event(partition: int, record: Record) -> Told | None:
    update = codec.decode(record.value)
    if update is None:
        return None
    event = answers.of_update(update, record.timestamp, f"{partition}@{record.offset}", identity(record))
    return Told(EVENT, event.student_id, event.state, _encode(event))


def _state(_: int, record: Record) -> Told | None:
    told = answers.of_record(codec.decode_record(record.value or b""))
    return Told(STATE, told.student_id, told.state, _encode(told))


def _alert(_: int, record: Record) -> Told | None:
    told = answers.of_alert(codec.decode_alert(record.value or b""))
    return Told(ALERT, told.student_id, None, _encode(told))


_TELLERS: tuple[Teller, ...] = (_event, _state, _alert)
"""For each topic of the stream, in the order of a position's offsets."""


def tell(index: int, partitions: int, record: Record) -> Told | None:
    """Tell a record.

    Args:
        index: The place of its partition among a position's offsets.
        partitions: How many partitions each topic has.
        record: The record.

    Returns:
        What it tells; None if it says nothing, or can't be read.
    """
    topic, partition = divmod(index, partitions)
    try:
        return _TELLERS[topic](partition, record)
    except _FAULTS:
        return None
