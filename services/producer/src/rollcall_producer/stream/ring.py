"""The latest messages of the stream, for viewers who have come up to them, or fall behind."""

from collections.abc import Iterator, Sequence
from itertools import count

from rollcall_producer.stream import sse
from rollcall_producer.stream.kinds import NAMES
from rollcall_producer.stream.message import Message
from rollcall_producer.stream.position import Course, Position, read_id
from rollcall_producer.stream.told import Told

BYTES = 16 * 1024 * 1024
"""Bytes of messages that are kept."""

COUNT = 32_768
"""How many are kept at the most."""

_SHARE = 16
"""Where there are too many, this part of them goes at once."""


class Ring:
    """The messages, numbered from 0 on as they come.

    Args:
        begin: Where in the stream the first one may lie.

    Attributes:
        first: The number of the first that is kept.
        head: Where the stream has come to.
    """

    def __init__(self, begin: Position) -> None:
        self.first = 0
        self.head = Course(begin)
        self._tail = begin
        self._messages: list[Message] = []
        self._size = 0

    @property
    def following(self) -> int:
        """The number that the next message is going to have."""
        return self.first + len(self._messages)

    def add(self, told: Told, index: int, offset: int) -> Message:
        """Add what a record tells, behind which the stream has come to an offset of a partition."""
        self.head.move(index, offset)
        written = sse.message(self.head.id, NAMES[told.kind], told.data)
        return self._add(Message(told.kind, told.student, told.state, self.head.generation, index, offset, written))

    def add_for_all(self, written: bytes) -> Message:
        """Add what is for everybody, and has the id of where the stream has come to."""
        return self._add(Message(0, "", None, self.head.generation, -1, 0, written))

    def turn(self, generation: int, states: Sequence[int]) -> None:
        """Go on with another generation's states, at these offsets."""
        self.head = Course(self.head.position.with_states(generation, states))

    def jump(self, index: int, offset: int) -> None:
        """Go on with a partition at an offset that is not where it was: what was before is no past of that."""
        self.head.move(index, offset)
        self._tail = self.head.position
        self.first = self.following
        self._messages.clear()
        self._size = 0

    def _add(self, message: Message) -> Message:
        self._messages.append(message)
        self._size += len(message.written)
        if self._size > BYTES or len(self._messages) > COUNT:
            self._drop()
        return message

    def _drop(self) -> None:
        outdated = max(1, len(self._messages) // _SHARE)
        self._tail = self.place(self._messages[outdated - 1])
        self._size -= sum(len(message.written) for message in self._messages[:outdated])
        del self._messages[:outdated]
        self.first += outdated

    def place(self, message: Message) -> Position:
        """Give where the stream was behind a message."""
        return read_id(sse.identity_of(message.written).decode(), self._tail.partitions)

    def identity(self, number: int) -> bytes:
        """Give the id of where the stream was before the message of a number."""
        before = number - 1 - self.first
        return self._tail.id if before < 0 else sse.identity_of(self._messages[before].written)

    def since(self, number: int) -> Iterator[Message]:
        """Give the messages from a number on, which is not less than the first."""
        for place in range(number - self.first, len(self._messages)):
            yield self._messages[place]

    def covers(self, position: Position) -> bool:
        """Tell whether all messages behind a place are here that there were so far."""
        return position.reaches(self._tail)

    def behind(self, position: Position) -> Iterator[tuple[int, Message]]:
        """Give with their numbers the messages that may lie behind a place, which is covered; those before do not."""
        low, high = self.first, self.following
        if position.reaches(self.head.position):  # as that of most who come for what happens from now on
            low = high
        while low < high:
            middle = (low + high) // 2
            if position.reaches(self.place(self._messages[middle - self.first])):
                low = middle + 1
            else:
                high = middle
        return zip(count(low), self.since(low), strict=False)
