"""A record as a line: for people, or for programs."""

from typing import TypeAlias

import msgspec
from aiokafka import ConsumerRecord

from rollcall_domain import codec
from rollcall_domain.errors import UnreadableRecordError
from rollcall_domain.times import write_time

Record: TypeAlias = ConsumerRecord[bytes | None, bytes | None]


class Line(msgspec.Struct, rename="pascal", omit_defaults=True):
    """What is shown of a record.

    Attributes:
        timestamp: When it was admitted, in ISO 8601, UTC.
        topic: The topic's full name.
        partition: The partition's index.
        offset: The place in the partition.
        student_id: Who, if it can be read.
        state: `LoggedIn` or `LoggedOut`, if it can be read.
        unreadable: Why it can't be read, if so.
    """

    timestamp: str
    topic: str
    partition: int
    offset: int
    student_id: str | None = None
    state: str | None = None
    unreadable: str | None = None

    def text(self) -> str:
        """Write the line for people."""
        what = f"{self.student_id}  {self.state}" if self.unreadable is None else f"unreadable: {self.unreadable}"
        return f"{self.timestamp}  {self.topic}-{self.partition}@{self.offset}  {what}"

    def json(self) -> str:
        """Write the line as a JSON object."""
        return msgspec.json.encode(self).decode()


def read_line(record: Record) -> Line | None:
    """Read what is to be shown of a record; None for one that says nothing."""
    line = Line(write_time(record.timestamp), record.topic, record.partition, record.offset)
    try:
        update = codec.decode(record.value)
    except UnreadableRecordError as error:
        line.unreadable = str(error)
        return line
    if update is None:
        return None
    line.student_id, line.state = update.student_id, update.state.name
    return line
