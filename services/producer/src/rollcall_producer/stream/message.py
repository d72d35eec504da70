"""A message of the stream, written once for all viewers."""

import msgspec

from rollcall_producer.update import StateName


class Message(msgspec.Struct, frozen=True, gc=False):
    """A message, or a heartbeat.

    Attributes:
        kind: What kind it is, a bit; 0 for one that is for everybody.
        student: Whom it is about.
        state: The student's state, if it is about that.
        generation: The generation that it was read for.
        index: The place of its partition among a position's offsets; -1 for one that was read nowhere.
        offset: The offset that comes after it.
        written: The message as it is sent, with the id of the place behind it.
    """

    kind: int
    student: str
    state: StateName | None
    generation: int
    index: int
    offset: int
    written: bytes
