"""The past of the stream as one viewer reads it, up to a place: in the order of time, and all of it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple

from rollcall_domain.place import Edge
from rollcall_producer.past.archive import PORTION, Archive
from rollcall_producer.past.student import sieve
from rollcall_producer.stream import sse
from rollcall_producer.stream.generations import Generations
from rollcall_producer.stream.kinds import NAMES, ORDER
from rollcall_producer.stream.layout import Layout
from rollcall_producer.stream.merge import Found, Lane, Merge
from rollcall_producer.stream.position import Course, Position
from rollcall_producer.stream.share import Share
from rollcall_producer.stream.told import tell
from rollcall_producer.stream.wanted import Wanted

SIZE = 64 * 1024
"""Bytes of a partition that are read at a time, where most of them are wanted."""

GONE = "some of what comes next is gone from the log, and left out"
"""Said where records were not kept for long enough."""


READERS = 32
"""How many may read the past at a time: it takes memory, and time that others need as well."""


class Step(NamedTuple):
    """A step of reading.

    Attributes:
        position: How far it has come.
        written: The messages up to there.
        messages: How many they are.
    """

    position: Position
    written: bytes = b""
    messages: int = 0


class Past:
    """The past as it is read by all who ask for it.

    Args:
        archive: The log.
        layout: The partitions of the stream.
        generations: Which generations there are.
        share: The share of the time that reading takes.

    Attributes:
        readers: How many read it, or wait for a turn to do so.
    """

    def __init__(self, archive: Archive, layout: Layout, generations: Generations, share: Share) -> None:
        self.readers = 0
        self._turns = asyncio.Semaphore(READERS)
        self._asking = asyncio.Lock()
        self._answer: asyncio.Task[Position] | None = None
        self._one = asyncio.Lock()
        self._share = share
        self._archive = archive
        self._layout = layout
        self._generations = generations

    async def find(self, place: Edge | datetime, generation: int) -> Position:
        """Find where to begin.

        Args:
            place: The beginning, the end, or a time.
            generation: The generation whose states are read.

        Raises:
            KafkaError: Kafka can't be reached, or refuses.
        """
        if place is Edge.LATEST:
            return await self._find_end(generation)
        since = None if isinstance(place, Edge) else int(place.timestamp() * 1000)
        bounds = await self._archive.bounds(self._layout.places(generation), since)
        return Position(generation, tuple(begin for begin, _ in bounds))

    async def _find_end(self, generation: int) -> Position:
        """Find where the log ends now; all who come while Kafka is asked share the next answer."""
        if self._answer is None:
            self._answer = asyncio.create_task(self._ask_end(generation))
        return await asyncio.shield(self._answer)

    async def _ask_end(self, generation: int) -> Position:
        async with self._asking:
            self._answer = None
            ends = await self._archive.ends(self._layout.places(generation))
        return Position(generation, tuple(ends))

    def knows(self, generation: int) -> bool:
        """Tell whether a generation serves, or has served."""
        return generation in self._generations.control.served

    async def within(self, position: Position, head: Position) -> Position:
        """Give a place as far as it lies behind the end of no partition.

        Args:
            position: The place.
            head: How far the log is known to go; only what is further is looked at.

        Raises:
            KafkaError: Kafka can't be reached, or refuses.
        """
        offsets = position.offsets
        ahead = [index for index, offset in enumerate(offsets) if not head.has(position.generation, index, offset)]
        places = self._layout.places(position.generation)
        ends = await self._archive.ends([places[index] for index in ahead]) if ahead else []
        for index, end in zip(ahead, ends, strict=True):
            position = position.moved(index, min(offsets[index], end))
        return position

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Be one of those who read while the body runs."""
        self.readers += 1
        try:
            async with self._turns:
                yield
        finally:
            self.readers -= 1

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Have a turn at the share of the time, of which all who come from the past have one part together."""
        async with self._one, self._share.slice():
            yield

    async def read(self, begin: Position, end: Position, wanted: Wanted) -> AsyncGenerator[Step, None]:
        """Read from a place to another one.

        Args:
            begin: The one.
            end: The other one, which reaches it.
            wanted: What is wanted.

        Yields:
            How far that has come.

        Raises:
            KafkaError: Kafka can't be reached, or refuses.
        """
        position = begin
        while position.generation != end.generation:
            last = await self._generations.ends(position.generation) or position.offsets[position.states]
            goal = end.with_states(position.generation, last)
            async for step in self._read(position, goal, wanted):
                yield step
            crossed = await self._generations.cross(goal)
            assert crossed is not None  # noqa: S101 - a later one serves
            position = crossed
            yield Step(position)
        async for step in self._read(position, end, wanted):
            yield step

    async def _read(self, begin: Position, end: Position, wanted: Wanted) -> AsyncGenerator[Step, None]:
        places = self._layout.places(begin.generation)
        lanes = [
            Lane(self._archive, index, *span)
            for index, span in enumerate(zip(places, begin.offsets, end.offsets, strict=True))
            if wanted.kinds & ORDER[index // self._layout.partitions]
        ]
        merge = Merge(lanes, _every if wanted.student is None else sieve(wanted.student), _size(wanted))
        course = Course(begin)
        while not merge.is_over:
            found = await merge.fill()
            if not found:
                async with self.turn():
                    step = self._write(merge.take(), course, wanted)
            else:
                step = self._write(found, course, wanted)
            yield step
        yield Step(end)

    def _write(self, found: Sequence[Found], course: Course, wanted: Wanted) -> Step:
        parts = []
        for index, offset, record, gap in found:
            course.move(index, offset)
            if gap:
                parts.append(sse.message(course.id, b"gap", sse.detail(GONE)))
            told = None if record is None else tell(index, self._layout.partitions, record)
            if told is not None and wanted.covers(told.kind, told.student, told.state):
                parts.append(sse.message(course.id, NAMES[told.kind], told.data))
        return Step(course.position, b"".join(parts), len(parts))


def _size(wanted: Wanted) -> int:
    return SIZE if wanted.student is None else PORTION


def _every(_: bytes, begin: int, end: int) -> bool:
    return end > begin
