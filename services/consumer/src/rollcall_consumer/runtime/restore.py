"""A partition's state as it was after the last commit: read back before work goes on."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from time import monotonic

import msgspec
import structlog
from aiokafka import TopicPartition

from rollcall_consumer.errors import UnknownOffsetError
from rollcall_consumer.runtime.pipeline import Fold, Record
from rollcall_consumer.runtime.source import Portion, Source
from rollcall_consumer.runtime.window import Windows
from rollcall_domain.topics import Topic

log = structlog.get_logger()

LOOK = 0.5
"""Seconds after which the time that it takes is told anew."""

SLICE = 1000
"""Records that are taken in without giving way to other tasks."""


class Progress(msgspec.Struct):
    """How far a restoration has come.

    Attributes:
        left: Offsets that are still to be read; some of them have no record.
        read: Records that were read.
        seconds: How long it has taken.
    """

    left: int = 0
    read: int = 0
    seconds: float = 0.0


class Restoration:
    """Reads back what a partition's state is made of.

    Args:
        source: Reads partitions.
        bounds: The first offset of each partition that matters, and the one that comes after its last.
        progress: Is kept up to date.
    """

    def __init__(self, source: Source, bounds: Mapping[TopicPartition, tuple[int, int]], progress: Progress) -> None:
        self._source = source
        self._bounds = bounds
        self._progress = progress

    def positions(
        self, applied: Mapping[TopicPartition, int], committed: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, int]:
        """Find out where work goes on: where it was committed.

        Kafka forgets what a group has committed that is away for long: then work goes on after the last record that
        is known to be in the state, or with the first one that there is.

        Args:
            applied: For each input, the offset that comes after the last record that is known to be in the state.
            committed: The offsets that were committed.

        Raises:
            UnknownOffsetError: An input ends before that.
        """
        positions = {}
        for partition, known in applied.items():
            begin, end = self._bounds[partition]
            offset = committed.get(partition, max(begin, known))
            reached = max(offset, known)
            if reached > end:
                raise UnknownOffsetError(partition.topic, partition.partition, reached, end)
            if offset < begin:
                log.error(
                    "Records are gone that were not handled yet: they were kept for too short a time",
                    topic=partition.topic,
                    partition=partition.partition,
                    records=begin - offset,
                )
            positions[partition] = max(offset, begin)
        return positions

    async def tables(self, fold: Fold, tables: Mapping[TopicPartition, Topic]) -> Sequence[int]:
        """Give a fold its tables back, the latest value of each key; tells what it says of how far it has come then."""
        latest: dict[TopicPartition, dict[bytes | None, bytes | None]] = {partition: {} for partition in tables}

        def take(portion: Portion, records: Sequence[Record]) -> None:
            latest[portion.partition].update([(record.key, record.value) for record in records])

        await self._read({partition: self._bounds[partition] for partition in tables}, take)
        for partition, topic in tables.items():
            await self._give(fold, topic, latest[partition])
        return fold.restored()

    async def _give(self, fold: Fold, topic: Topic, values: dict[bytes | None, bytes | None]) -> None:
        """Give a fold values, which are not kept meanwhile."""
        begun, before = monotonic(), self._progress.seconds
        while values:
            piece = [values.popitem()[1] for _ in range(min(SLICE, len(values)))]
            fold.restore(topic, [value for value in piece if value is not None])
            await asyncio.sleep(0)
            self._progress.seconds = before + monotonic() - begun

    async def window(self, windows: Windows, positions: Mapping[TopicPartition, int]) -> None:
        """Read back the ids of the records before those at which work goes on."""

        def take(portion: Portion, records: Sequence[Record]) -> None:
            before = [record for record in records if record.offset < positions[portion.partition]]
            if before:
                windows.admit(numbers[portion.partition], before)

        numbers = {partition: number for number, partition in enumerate(positions)}
        spans = {
            partition: (max(self._bounds[partition][0], windows.begin(numbers[partition], offset)), offset)
            for partition, offset in positions.items()
        }
        await self._read(spans, take)

    async def _read(
        self,
        spans: Mapping[TopicPartition, tuple[int, int]],
        take: Callable[[Portion, Sequence[Record]], None],
    ) -> None:
        """Read partitions from an offset to another one; where records are gone meanwhile, there is nothing to read."""
        begun, before = monotonic(), self._progress.seconds
        left = {partition: end - begin for partition, (begin, end) in spans.items() if begin < end}
        begins, ends = ({partition: spans[partition][which] for partition in left} for which in (0, 1))
        self._source.read(begins, ends)
        while left:
            self._progress.left = sum(left.values())
            await self._source.wait(LOOK)
            for portion in self._source.take():
                for records in portion.pieces(SLICE):
                    take(portion, records)
                    self._progress.read += len(records)
                    await asyncio.sleep(0)
                left[portion.partition] = ends[portion.partition] - portion.next
                if left[portion.partition] <= 0:
                    del left[portion.partition]
            self._progress.seconds = before + monotonic() - begun
        self._progress.left = 0
