"""The records of some partitions, as they come in.

aiokafka makes a dataclass of each record that it gives out, which takes twice the time of all else that it does to read
one. Here records are given out as its decoder has them.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException

from rollcall_domain.service.closing import leave
from rollcall_domain.service.connection import client_options, started
from rollcall_domain.service.records import Record
from rollcall_domain.service.settings import ServiceSettings

FETCH_WAIT = 0.25
"""Seconds that a broker may let a request wait for records. A change of what is read waits for it too."""

ANSWER_LIMIT = 5.0
"""Seconds for an answer, after which the connection is given up and the leader is looked for anew.

A host that has vanished ends no connection. aiokafka would wait for 40 s, while others have long taken its place; a
fetch waits at a broker for no more than `FETCH_WAIT`, and the rest is for what it brings to come over.
"""

LEADER_LIMIT = 40.0
"""Seconds for the bounds of partitions: each has to have a leader, be it a new one, that answers."""

PORTION = 1024 * 1024
"""Bytes that are fetched of a partition at a time."""

PATIENCE = 60.0
"""Seconds for which nothing is fetched of a broker that has sent records which nobody has taken yet.

aiokafka would soon ask for those partitions alone of which nothing has come, and the others wait for that answer too.
"""

CLOSE_LIMIT = 1.0
"""Seconds for leaving Kafka."""


class Portion:
    """Records of one partition that have come in, in order, without those of transactions that were given up.

    They are decoded as they are taken: by then all of them together would not fit into the processor's cache any more.

    Attributes:
        partition: Which one.
        next: The offset that comes after them.
        empty: Whether all of them are known to be taken.

    Raises:
        CorruptRecordException: They are not as they were written.
    """

    def __init__(self, partition: TopicPartition, fetched: PartitionRecords) -> None:
        self.partition = partition
        self.empty = False
        self.next: int = fetched.next_fetch_offset
        self._begin = self.next
        self._records = chain.from_iterable([*self._committed(fetched)])
        fetched._records_iterator = None  # noqa: SLF001 - else it would hold itself

    def _committed(self, fetched: PartitionRecords) -> Iterator[Iterable[Record]]:
        records = fetched._records  # noqa: SLF001 - no public way gives records as they are
        given_up = fetched._aborted_producers  # noqa: SLF001 - as above
        while records.has_next():
            batch = records.next_batch()
            if not batch.validate_crc():
                raise CorruptRecordException(f"{self.partition.topic} {self.partition.partition}")
            fetched._consume_aborted_up_to(batch.base_offset)  # noqa: SLF001 - as above
            self.next = batch.next_offset
            if batch.is_control_batch:
                if fetched._contains_abort_marker(batch):  # noqa: SLF001 - as above
                    given_up.discard(batch.producer_id)
            elif not (batch.is_transactional and batch.producer_id in given_up):
                yield batch if batch.base_offset >= self._begin else self._rest(batch)

    def _rest(self, batch: Iterable[Record]) -> Iterator[Record]:
        return (record for record in batch if record.offset >= self._begin)

    def take(self, count: int) -> list[Record]:
        """Take the next records, so many at the most; there are none if all are taken."""
        taken = list(islice(self._records, count))
        self.empty = not taken
        return taken

    def pieces(self, size: int) -> Iterator[list[Record]]:
        """Take all records, so many at a time."""
        while piece := self.take(size):
            yield piece


def until(records: list[Record], end: int) -> list[Record]:
    """Leave out records that lie at an offset or beyond it; they are in order."""
    if not records or records[-1].offset < end:
        return records
    return [record for record in records if record.offset < end]


class Source:
    """Reads partitions in no group, what is committed of them alone.

    Args:
        settings: The service's settings.
        name: What it is called in the broker's log.
        topics: The full names of the topics that it may read.

    Raises:
        OffsetOutOfRangeError: By `take`, where a partition does not have an offset any more, or not yet.
    """

    def __init__(self, settings: ServiceSettings, name: str, topics: Sequence[str]) -> None:
        self._topics = topics
        self._wanted: Mapping[TopicPartition, int] = {}
        self._fetcher: Any = None
        self._consumer = AIOKafkaConsumer(
            **client_options(settings, f"rollcall-{name}"),
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            fetch_max_wait_ms=int(FETCH_WAIT * 1000),
            max_partition_fetch_bytes=PORTION,
            request_timeout_ms=int(ANSWER_LIMIT * 1000),
        )

    async def __aenter__(self) -> Self:
        await started(self._consumer)
        await self.know(self._topics)
        self._fetcher = self._consumer._fetcher  # noqa: SLF001 - no public way gives records as they are
        self._fetcher._prefetch_backoff = PATIENCE  # noqa: SLF001 - as above
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await leave(self._consumer, CLOSE_LIMIT)

    async def know(self, topics: Sequence[str]) -> None:
        """Find out who leads partitions of these topics, and of no others; else it would wait for each by itself."""
        await self._consumer._client.set_topics(topics)  # noqa: SLF001 - no public way

    async def bounds(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, tuple[int, int]]:
        """Find out the first offset of each partition, and the one that comes after its last."""
        limit = int(LEADER_LIMIT * 1000)
        begins, ends = await asyncio.gather(
            self._fetcher.beginning_offsets(partitions, limit), self._fetcher.end_offsets(partitions, limit)
        )
        return {partition: (begins[partition], ends[partition]) for partition in partitions}

    async def find(self, partitions: Collection[TopicPartition], time: int) -> dict[TopicPartition, int]:
        """Find the first offset of each partition from which on there is a record of a time or later.

        Args:
            partitions: The partitions; one that has no such record is left out.
            time: In milliseconds since 1970, UTC.
        """
        times = dict.fromkeys(partitions, time)
        found = await self._fetcher.get_offsets_by_times(times, int(LEADER_LIMIT * 1000))
        return {partition: first.offset for partition, first in found.items() if first is not None}

    def read(self, positions: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int] | None = None) -> None:
        """Read these partitions from now on, and no others.

        Args:
            positions: The offset at which to begin, for each.
            ends: The offset from which on no more is wanted, where there is one; some may come nevertheless.
        """
        self._wanted = ends or {}
        self._consumer.assign(list(positions))
        for partition, offset in positions.items():
            self._consumer.seek(partition, offset)

    def end(self, partition: TopicPartition) -> int | None:
        """Tell where a partition's committed records ended when it was last asked; None if it was not asked yet."""
        end: int | None = self._consumer.last_stable_offset(partition)
        return end

    def heard(self, partition: TopicPartition) -> float:
        """Tell when a broker has last answered for a partition, in seconds since 1970; 0 if it has not yet."""
        milliseconds: int | None = self._consumer.last_poll_timestamp(partition)
        return (milliseconds or 0) / 1000

    async def wait(self, timeout: float, bell: asyncio.Future[None] | None = None) -> None:  # noqa: ASYNC109 - it is no error
        """Wait until something has come in, or a bell is rung, for so many seconds at the most."""
        if not self._fetcher._records:  # noqa: SLF001 - no public way gives records as they are
            waiter = self._fetcher._create_fetch_waiter()  # noqa: SLF001 - as above
            awaited = [waiter] if bell is None else [waiter, bell]
            await asyncio.wait(awaited, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if not waiter.cancel():
                waiter.result()  # a refusal

    def take(self) -> Iterator[Portion]:
        """Take what has come in. More is fetched meanwhile."""
        for partition, result in [*self._fetcher._records.items()]:  # noqa: SLF001 - as above
            if not isinstance(result, FetchResult):
                self._fetch_on(partition)
                result.check_raise()
            elif result.check_assignment(partition):
                fetched = result._partition_records  # noqa: SLF001 - as above
                portion = Portion(partition, fetched)
                fetched.next_fetch_offset = portion.next
                result._update_position()  # noqa: SLF001 - as above
                if portion.next >= self._wanted.get(partition, portion.next + 1):
                    self._consumer.pause(partition)
                self._fetch_on(partition)
                yield portion
            else:
                self._fetch_on(partition)

    async def scan(
        self, spans: Mapping[TopicPartition, tuple[int, int]], size: int
    ) -> AsyncIterator[tuple[TopicPartition, list[Record]]]:
        """Read partitions from an offset to another one, so many records at a time, those of each in order."""
        ends = {partition: end for partition, (begin, end) in spans.items() if begin < end}
        self.read({partition: spans[partition][0] for partition in ends}, ends)
        left = set(ends)
        while left:
            await self.wait(FETCH_WAIT)
            for portion in self.take():
                end = ends[portion.partition]
                for records in portion.pieces(size):
                    if wanted := until(records, end):
                        yield portion.partition, wanted
                if portion.next >= end:
                    left.discard(portion.partition)

    def _fetch_on(self, partition: TopicPartition) -> None:
        self._fetcher._records.pop(partition, None)  # noqa: SLF001 - as above
        self._fetcher._notify(self._fetcher._wait_consume_future)  # noqa: SLF001 - as above
