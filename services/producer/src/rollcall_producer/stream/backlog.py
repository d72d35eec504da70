"""What viewers who are behind have to be written, as far as one round goes."""

from itertools import islice
from typing import NamedTuple

from rollcall_producer.stream.ring import Ring
from rollcall_producer.stream.wanted import Wanted


class Portion(NamedTuple):
    """Messages for a viewer.

    Attributes:
        written: The messages.
        messages: How many they are.
        following: The number of the message at which the next portion begins.
    """

    written: bytes
    messages: int
    following: int


class Backlog:
    """The messages of the ring up to some number. What several viewers need is put together once.

    Args:
        ring: Has them.
        end: The number.
        size: Bytes of a portion, after which it is full.
    """

    def __init__(self, ring: Ring, end: int, size: int) -> None:
        self._ring = ring
        self._end = end
        self._size = size
        self._portions: dict[tuple[int, Wanted], Portion] = {}

    def is_lost(self, number: int) -> bool:
        """Tell whether messages from a number on are gone."""
        return number < self._ring.first

    @property
    def identity(self) -> bytes:
        """The id of where the stream is behind all of them."""
        return self._ring.identity(self._end)

    def portion(self, number: int, wanted: Wanted) -> Portion:
        """Give what there is from a number on of what is wanted."""
        found = self._portions.get((number, wanted))
        if found is None:
            found = self._portions[number, wanted] = self._gather(number, wanted)
        return found

    def _gather(self, number: int, wanted: Wanted) -> Portion:
        parts, size = [], 0
        for message in islice(self._ring.since(number), max(0, self._end - number)):
            number += 1
            if not message.kind or wanted.covers(message.kind, message.student, message.state):
                parts.append(message.written)
                size += len(message.written)
                if size > self._size:
                    break
        return Portion(b"".join(parts), len(parts), number)
