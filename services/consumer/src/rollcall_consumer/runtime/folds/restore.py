"""A fold's state as it was after the last commit: read back before work goes on."""

import asyncio
from collections.abc import Mapping, Sequence

from aiokafka import TopicPartition

from rollcall_consumer.runtime.folds.fold import Fold
from rollcall_consumer.runtime.folds.window import Windows
from rollcall_consumer.runtime.restore import SLICE, Progress, read_back
from rollcall_domain.service.records import Record
from rollcall_domain.service.source import Source
from rollcall_domain.topics import Topic


class Restoration:
    """Reads back what a fold's state is made of.

    Args:
        source: Reads partitions.
        bounds: The first offset of each partition that matters, and the one that comes after its last.
        progress: Is kept up to date.
    """

    def __init__(self, source: Source, bounds: Mapping[TopicPartition, tuple[int, int]], progress: Progress) -> None:
        self._source = source
        self._bounds = bounds
        self._progress = progress

    async def tables(self, fold: Fold, tables: Mapping[TopicPartition, Topic]) -> Sequence[int]:
        """Give a fold its tables back, the latest value of each key; tells what it says of how far it has come then."""
        latest: dict[TopicPartition, dict[bytes | None, bytes | None]] = {partition: {} for partition in tables}

        def take(partition: TopicPartition, records: Sequence[Record]) -> None:
            latest[partition].update([(record.key, record.value) for record in records])

        spans = {partition: self._bounds[partition] for partition in tables}
        await read_back(self._source, spans, take, self._progress)
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
        await read_back(self._source, spans, take, self._progress)
