"""What a partition's work begins with: read back from the log before it goes on."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from time import monotonic

import structlog
from aiokafka import TopicPartition

from rollcall_consumer.errors import UnknownOffsetError
from rollcall_domain.service.records import Record
from rollcall_domain.service.source import Source

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


def find_positions(
    applied: Mapping[TopicPartition, int],
    committed: Mapping[TopicPartition, int],
    bounds: Mapping[TopicPartition, tuple[int, int]],
) -> dict[TopicPartition, int]:
    """Find out where work goes on: where it was committed.

    Kafka forgets what a group has committed that is away for long: then work goes on after the last record that is
    known to be done, or with the first one that there is.

    Args:
        applied: For each input, the offset that comes after the last record that is known to be done.
        committed: The offsets that were committed.
        bounds: The first offset of each input, and the one that comes after its last.

    Raises:
        UnknownOffsetError: An input ends before that.
    """
    positions = {}
    for partition, known in applied.items():
        begin, end = bounds[partition]
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


async def read_back(
    source: Source,
    spans: Mapping[TopicPartition, tuple[int, int]],
    take: Callable[[TopicPartition, Sequence[Record]], None],
    progress: Progress,
) -> None:
    """Read partitions from an offset to another one; where records are gone meanwhile, there is nothing to read.

    Args:
        source: Reads.
        spans: From where to where, for each partition.
        take: Is given what is read, in order.
        progress: Is kept up to date.
    """
    left = {partition: end - begin for partition, (begin, end) in spans.items() if begin < end}
    if not left:
        return
    progress.left = sum(left.values())
    with progress.going_on():
        async for partition, records in source.scan(spans, SLICE):
            take(partition, records)
            progress.read += len(records)
            left[partition] = spans[partition][1] - records[-1].offset - 1
            progress.left = sum(left.values())
            await asyncio.sleep(0)
    progress.left = 0
