"""The records of some partitions, as they come in.

aiokafka makes a dataclass of each record that it gives out, which takes twice the time of all else that it does to read
one. Here records are given out as its decoder has them.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import FetchResult
from aiokafka.errors import KafkaError

from rollcall_consumer.runtime.pipeline import Record
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.service.connection import client_options, started

FETCH_WAIT = 0.25
"""Seconds that a broker may let a request wait for records. A change of what is read waits for it too."""

PORTION = 1024 * 1024
"""Bytes that are fetched of a partition at a time."""

CLOSE_LIMIT = 1.0
"""Seconds for leaving Kafka."""


class Portion:
    """Records of one partition that have come in, in order.

    They are decoded as they are taken: by then all of them together would not fit into the processor's cache any more.

    Attributes:
        partition: Which one.
    """

    def __init__(self, partition: TopicPartition, result: FetchResult, release: Callable[[], None]) -> None:
        self.partition = partition
        self._result = result
        self._fetched = result._partition_records  # noqa: SLF001 - no public way gives records as they are
        self._fetched._consumer_record = _as_it_is  # noqa: SLF001 - as above
        self._release = release

    @property
    def next(self) -> int:
        """The offset that comes after those that were taken."""
        offset: int = self._fetched.next_fetch_offset
        return offset

    def pieces(self, size: int) -> Iterator[list[Record]]:
        """Take the records, so many at a time; after that, more is fetched."""
        records: Iterator[Record] = self._fetched._records_iterator  # noqa: SLF001 - as above
        while piece := list(islice(records, size)):
            yield piece
        self._result._update_position()  # noqa: SLF001 - as above
        self._release()


class Source:
    """Reads partitions in no group, what is committed of them alone.

    Args:
        settings: The service's settings.
        name: What it is called in the broker's log.
        topics: The full names of the topics that it may read.

    Raises:
        OffsetOutOfRangeError: By `poll`, where a partition does not have an offset any more, or not yet.
    """

    def __init__(self, settings: ConsumerSettings, name: str, topics: Sequence[str]) -> None:
        self._topics = topics
        self._consumer = AIOKafkaConsumer(
            **client_options(settings, f"rollcall-{name}"),
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            fetch_max_wait_ms=int(FETCH_WAIT * 1000),
            max_partition_fetch_bytes=PORTION,
        )

    async def __aenter__(self) -> Self:
        await started(self._consumer)
        await self._consumer._client.set_topics(self._topics)  # noqa: SLF001 - else it waits for each by itself
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with contextlib.suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(CLOSE_LIMIT):
                await self._consumer.stop()

    async def bounds(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, tuple[int, int]]:
        """Find out the first offset of each partition, and the one that comes after its last."""
        begins = await self._consumer.beginning_offsets(partitions)
        ends = await self._consumer.end_offsets(partitions)
        return {partition: (begins[partition], ends[partition]) for partition in partitions}

    def read(self, positions: Mapping[TopicPartition, int]) -> None:
        """Read these partitions from now on, and no others.

        Args:
            positions: The offset at which to begin, for each.
        """
        self._consumer.assign(list(positions))
        for partition, offset in positions.items():
            self._consumer.seek(partition, offset)

    def skip(self, partition: TopicPartition) -> None:
        """Read no more of a partition."""
        self._consumer.pause(partition)

    def end(self, partition: TopicPartition) -> int | None:
        """Tell where a partition's committed records ended when it was last asked; None if it was not asked yet."""
        end: int | None = self._consumer.last_stable_offset(partition)
        return end

    async def poll(self, timeout: float) -> list[Portion]:  # noqa: ASYNC109 - it is no error
        """Give what has come in; wait for it for so many seconds. May be cancelled without losing anything."""
        fetcher = self._consumer._fetcher  # noqa: SLF001 - no public way gives records as they are
        if not fetcher._records:  # noqa: SLF001 - as above
            waiter = fetcher._create_fetch_waiter()  # noqa: SLF001 - as above
            await asyncio.wait([waiter], timeout=timeout)
            if not waiter.cancel():
                waiter.result()  # a refusal
        return [*self._drain(fetcher)]

    def _drain(self, fetcher: Any) -> Iterator[Portion]:  # noqa: ANN401 - aiokafka ships no types
        for partition, result in [*fetcher._records.items()]:  # noqa: SLF001 - as above
            release = partial(_release, fetcher, partition)
            if not isinstance(result, FetchResult):
                release()
                result.check_raise()
            elif result.check_assignment(partition):
                yield Portion(partition, result, release)
            else:
                release()


def _release(fetcher: Any, partition: TopicPartition) -> None:  # noqa: ANN401 - as above
    """Have more fetched of a partition."""
    fetcher._records.pop(partition, None)  # noqa: SLF001 - as above
    fetcher._notify(fetcher._wait_consume_future)  # noqa: SLF001 - as above


def _as_it_is(_: TopicPartition, record: Record) -> Record:
    return record
