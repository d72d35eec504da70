"""Several partitions as one stream: the records of each in their order, and all of them in that of time."""

import asyncio
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush, heapreplace
from typing import NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from rollcall_domain.service.records import Record
from rollcall_producer.past.archive import Archive, Sieve

PIECE = 64
"""Records that are given at a time."""


class Found(NamedTuple):
    """How a partition goes on.

    Attributes:
        lane: Which one.
        offset: The offset behind what was found.
        record: The record that was found, if it is one.
        gap: Whether records are gone that would lie before that.
    """

    lane: int
    offset: int
    record: Record | None = None
    gap: bool = False


class Lane:
    """A partition on its way from an offset to another one.

    Args:
        archive: Where it is read.
        index: What it is called in what is found.
        partition: The partition.
        begin: The offset at which to begin.
        end: The offset at which to end.

    Attributes:
        head: The record that comes next, if it is read.
    """

    def __init__(self, archive: Archive, index: int, partition: TopicPartition, begin: int, end: int) -> None:
        self.head: Record | None = None
        self._archive = archive
        self._index = index
        self._partition = partition
        self._next = begin
        self._end = end
        self._records: Iterator[Record] = iter(())

    @property
    def is_lacking(self) -> bool:
        """Whether it is not known what comes next, and something may."""
        return self.head is None and self._next < self._end

    async def fill(self, sieve: Sieve, size: int) -> Found:
        """Read on, where there is no head; give how far that has brought it.

        Raises:
            KafkaError: Kafka can't be reached, or refuses.
        """
        before = self._next
        try:
            portion, self._next = await self._archive.read(self._partition, before, sieve, size)
        except OffsetOutOfRangeError:
            ((begin, end),) = await self._archive.bounds([self._partition])
            self._next = begin if before < begin else end
            return Found(self._index, min(self._next, self._end), gap=True)
        if self._next == before:
            self._next = self._end  # nothing that is committed lies there
        if portion is not None:
            records = (record for piece in portion.pieces(PIECE) for record in piece)
            self._records = (record for record in records if before <= record.offset < self._end)
            self.head = next(self._records, None)
        return Found(self._index, min(self._next, self._end) if self.head is None else before)

    def pop(self) -> Found:
        """Take the head."""
        popped, self.head = self.head, next(self._records, None)
        assert popped is not None  # noqa: S101 - who takes it has seen it
        return Found(self._index, popped.offset + 1, popped)


class Merge:
    """Partitions that are read as one stream.

    Args:
        lanes: The partitions.
        sieve: Tells what is wanted of them.
        size: Bytes of a partition that are read at a time.
    """

    def __init__(self, lanes: Sequence[Lane], sieve: Sieve, size: int) -> None:
        self._lanes = lanes
        self._sieve = sieve
        self._size = size
        self._lacking = [number for number, lane in enumerate(lanes) if lane.is_lacking]
        self._heads: list[tuple[int, int]] = []

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return not (self._lacking or self._heads)

    async def fill(self) -> Sequence[Found]:
        """Read on where it is not known what comes next; nothing is found if it is known everywhere.

        Raises:
            KafkaError: Kafka can't be reached, or refuses.
        """
        found = await asyncio.gather(*(self._lanes[number].fill(self._sieve, self._size) for number in self._lacking))
        for number in self._lacking:
            head = self._lanes[number].head
            if head is not None:
                heappush(self._heads, (head.timestamp, number))
        self._lacking = [number for number in self._lacking if self._lanes[number].is_lacking]
        return found

    def take(self) -> Sequence[Found]:
        """Give what comes next, as far as it is known everywhere."""
        taken: list[Found] = []
        while self._heads and not self._lacking and len(taken) < PIECE:
            number = self._heads[0][1]
            lane = self._lanes[number]
            taken.append(lane.pop())
            if lane.head is not None:
                heapreplace(self._heads, (lane.head.timestamp, number))
                continue
            heappop(self._heads)
            if lane.is_lacking:
                self._lacking.append(number)
        return taken
