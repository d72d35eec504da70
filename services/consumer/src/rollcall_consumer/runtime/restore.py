"""A partition's state as it was after the last commit: read back before work goes on."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from time import monotonic

import structlog
from aiokafka import TopicPartition

from rollcall_consumer.errors import UnknownOffsetError
from rollcall_consumer.runtime.pipeline import Fold
from rollcall_consumer.runtime.window import Windows
from rollcall_domain.service.records import Record
from rollcall_domain.service.source import Source
from rollcall_domain.topics import Topic

log = structlog.get_logger()

SLICE = 1000
"""Records that are taken in without giving way to other tasks."""


class Progress:
    """How far a restoration has come.

    Attributes:
        left: Offsets that are still to be read; some of them have no record.
        read: Records that were read.
    """

    def __init__(self) -> None:
        self.left = 0
        self.read = 0
        self._taken = 0.0
        self._begun: float | None = None

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return self._taken + (0.0 if self._begun is None else monotonic() - self._begun)

    @contextlib.contextmanager
    def going_on(self) -> Iterator[None]:
        """Count the time that the body takes."""
        self._begun = monotonic()
        try:
            yield
        finally:
            self._taken, self._begun = self.seconds, None


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

        def take(partition: TopicPartition, records: Sequence[Record]) -> None:
            latest[partition].update([(record.key, record.value) for record in records])

        await self._read({partition: self._bounds[partition] for partition in tables}, take)
        for partition, topic in tables.items():
            if latest[partition]:
                with self._progress.going_on():
                    await self._give(fold, topic, latest[partition])
        return fold.restored()

    async def _give(self, fold: Fold, topic: Topic, values: dict[bytes | None, bytes | None]) -> None:
        """Give a fold values, which are not kept meanwhile."""
        while values:
            piece = [values.popitem()[1] for _ in range(min(SLICE, len(values)))]
            fold.restore(topic, [value for value in piece if value is not None])
            await asyncio.sleep(0)

    async def window(self, windows: Windows, positions: Mapping[TopicPartition, int]) -> None:
        """Read back the ids of the records before those at which work goes on."""

        def take(partition: TopicPartition, records: Sequence[Record]) -> None:
            windows.admit(numbers[partition], records)

        numbers = {partition: number for number, partition in enumerate(positions)}
        spans = {
            partition: (max(self._bounds[partition][0], windows.begin(numbers[partition], offset)), offset)
            for partition, offset in positions.items()
        }
        await self._read(spans, take)

    async def _read(
        self,
        spans: Mapping[TopicPartition, tuple[int, int]],
        take: Callable[[TopicPartition, Sequence[Record]], None],
    ) -> None:
        """Read partitions from an offset to another one; where records are gone meanwhile, there is nothing to read."""
        left = {partition: end - begin for partition, (begin, end) in spans.items() if begin < end}
        if not left:
            return
        self._progress.left = sum(left.values())
        with self._progress.going_on():
            async for partition, records in self._source.scan(spans, SLICE):
                take(partition, records)
                self._progress.read += len(records)
                left[partition] = spans[partition][1] - records[-1].offset - 1
                self._progress.left = sum(left.values())
                await asyncio.sleep(0)
        self._progress.left = 0
