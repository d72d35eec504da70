"""What happens now: the latest messages, and those who have come up to them."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from rollcall_producer.stream import sse
from rollcall_producer.stream.audience import Audience
from rollcall_producer.stream.message import Message
from rollcall_producer.stream.position import Position
from rollcall_producer.stream.ring import Ring
from rollcall_producer.stream.share import Share
from rollcall_producer.stream.told import Told


class NotBegunError(Exception):
    """Nothing is read yet."""


class Live:
    """The stream as it is read for all who watch it.

    Args:
        share: The share of the time that writing to them takes.

    Attributes:
        audience: Those who have come up to it.
    """

    def __init__(self, share: Share) -> None:
        self.audience = Audience(lambda: self.ring, share)
        self._ring: Ring | None = None
        self._target: Position | None = None
        self._moved = asyncio.Event()

    @property
    def has_begun(self) -> bool:
        """Whether it is read from some place on."""
        return self._ring is not None

    @property
    def is_up(self) -> bool:
        """Whether all is read that there was when it was begun."""
        return self.has_begun and self._target is None

    @property
    def ring(self) -> Ring:
        """The latest messages, once it has begun."""
        if self._ring is None:
            raise NotBegunError
        return self._ring

    def begin(self, position: Position, target: Position) -> None:
        """Begin at a place; up to another one there is something already."""
        self._ring, self._target = Ring(position), target
        self.audience.begin(self._ring.following)
        self._moved.set()

    def end(self) -> None:
        """Forget all of it."""
        self._ring = self._target = None
        self.audience.end()

    def add(self, told: Told | None, index: int, offset: int) -> None:
        """Take in a record of a partition, behind which the stream is at an offset."""
        if told is None:
            self.ring.head.move(index, offset)
        else:
            self.tell(self.ring.add(told, index, offset))

    def tell(self, message: Message) -> None:
        """Have a message written."""
        self.audience.tell(message)

    def beat(self) -> None:
        """Tell everybody where the stream is."""
        if self.is_up:
            self.tell(self.ring.add_for_all(sse.heartbeat(self.ring.head.id)))

    def turn(self, generation: int, states: Sequence[int]) -> None:
        """Go on with another generation's states, at these offsets."""
        self.ring.turn(generation, states)
        self.note()

    def jump(self, index: int, offset: int, detail: str) -> None:
        """Go on with a partition where it was not, and say so."""
        self.ring.jump(index, offset)
        self.tell(self.ring.add_for_all(sse.message(self.ring.head.id, b"gap", sse.detail(detail))))

    def note(self) -> None:
        """Note that it has moved on."""
        if self._target is not None and self.ring.head.position.reaches(self._target):
            self._target = None
        if self.is_up:  # before that nobody has anything to do
            self._moved.set()

    async def moved(self, limit: float) -> bool:
        """Wait until it has moved on, for so many seconds; tells whether it has."""
        self._moved.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._moved.wait()
                return True
        return False
