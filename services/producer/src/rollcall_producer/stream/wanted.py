"""What a viewer wants of the stream."""

import msgspec

from rollcall_producer.stream.kinds import EVERY
from rollcall_producer.update import StateName


class Wanted(msgspec.Struct, frozen=True):
    """What a viewer wants. Viewers who want the same are equal in it.

    Attributes:
        kinds: The kinds of messages, as bits.
        student: The student whom they are to be about; None for all.
        state: The state that they are to tell of; None for any, and for what tells of none.
    """

    kinds: int = EVERY
    student: str | None = None
    state: StateName | None = None

    def covers(self, kind: int, student: str, state: StateName | None) -> bool:
        """Tell whether a message is wanted."""
        return (
            bool(kind & self.kinds)
            and (self.student is None or student == self.student)
            and (self.state is None or state == self.state)
        )
