"""A consumer group as Kafka knows it: how far it has come with each partition, and how far there is to go."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from time import monotonic
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from rollcall_consumer.runtime.committed import committed, refuse_failed_fetches
from rollcall_consumer.runtime.pipeline import Pipeline
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.service.closing import leave
from rollcall_domain.service.connection import client_options, started

PEEK = 16 * 1024
"""Bytes of a partition that are read to see one record; Kafka gives a whole batch at the least."""

PEEK_LIMIT = 1.0
"""Seconds within which a record that is there comes in."""

CLOSE_LIMIT = 2.0
"""Seconds for leaving Kafka."""


def inputs(pipeline: Pipeline, settings: ConsumerSettings) -> list[TopicPartition]:
    """Name all partitions that a group reads."""
    topics = [settings.topic_name(topic) for topic in pipeline.inputs]
    return [TopicPartition(topic, index) for topic in topics for index in range(settings.partitions)]


@contextlib.asynccontextmanager
async def observing(settings: ConsumerSettings) -> AsyncIterator[AIOKafkaConsumer]:
    """Make a consumer that knows the group and is no member of it.

    Raises:
        KafkaError: Kafka can't be reached, or refuses.
        TimeoutError: Kafka does not answer.
    """
    consumer = await started(
        AIOKafkaConsumer(
            **client_options(settings, "rollcall-observer"),
            group_id=settings.group_id,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_partition_fetch_bytes=PEEK,
        )
    )
    refuse_failed_fetches(consumer)
    try:
        yield consumer
    finally:
        await leave(consumer, CLOSE_LIMIT)


class Look(NamedTuple):
    """How things stood at a time.

    Attributes:
        at: The time, in seconds of the monotonic clock.
        done: For each partition, the offset up to which the group has handled it.
        ends: For each partition, where its committed records end.
    """

    at: float
    done: Mapping[TopicPartition, int]
    ends: Mapping[TopicPartition, int]

    def lag(self, partition: TopicPartition) -> int:
        """Count the records of a partition that are not handled; marks of transactions count as records."""
        return max(0, self.ends[partition] - self.done[partition])

    @property
    def total(self) -> int:
        """Count them in all partitions."""
        return sum(map(self.lag, self.ends))


async def look(consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> Look:
    """Find out how things stand.

    Args:
        consumer: A consumer that knows the group; it need not be a member of it.
        partitions: The partitions that are asked about.

    Raises:
        KafkaError: Kafka can't be reached, or refuses.
    """
    noted = await committed(consumer, partitions)  # first, or what is handled meanwhile would lie beyond the end
    at = monotonic()
    begins = await consumer.beginning_offsets(partitions)
    ends = await consumer.end_offsets(partitions)
    done = {
        partition: max(begins[partition], noted[partition].offset) if partition in noted else begins[partition]
        for partition in partitions
    }
    return Look(at, done, ends)


async def oldest(consumer: AIOKafkaConsumer, now: Look) -> dict[TopicPartition, int]:
    """Find out from when the first record is that is not handled, in milliseconds since 1970, UTC.

    Args:
        consumer: A consumer that is no member of the group.
        now: How things stand.

    Returns:
        The time for each partition that has such a record.

    Raises:
        KafkaError: Kafka can't be reached, or refuses.
    """
    lagging = [partition for partition in now.ends if now.lag(partition)]
    consumer.assign(lagging)
    for partition in lagging:
        consumer.seek(partition, now.done[partition])
    times: dict[TopicPartition, int] = {}
    with contextlib.suppress(TimeoutError):  # what lies there may be marks of transactions and no record
        async with asyncio.timeout(PEEK_LIMIT):
            while len(times) < len(lagging):
                polled = await consumer.getmany(*lagging, timeout_ms=int(PEEK_LIMIT * 1000))
                for partition, records in polled.items():
                    times.setdefault(partition, records[0].timestamp)
    return times


class Flow(NamedTuple):
    """What happens to the partitions of one index between two looks.

    Attributes:
        lag: Records that are not handled, at the second look.
        coming: Records that come in, a second.
        handled: Records that are handled, a second.
        seconds: The time between the looks.
    """

    lag: int
    coming: float
    handled: float
    seconds: float

    @property
    def demand(self) -> float:
        """Records a second with which nothing would be left at a third look."""
        return self.coming + self.lag / self.seconds

    @property
    def lags(self) -> bool:
        """Whether more is waiting than what is in hand anyway."""
        return self.lag > self.handled * self.seconds

    @property
    def seconds_left(self) -> float:
        """Seconds until nothing is left, if all goes on like this; infinity if it never comes to that."""
        if not self.lags:
            return 0.0
        gain = self.handled - self.coming
        return self.lag / gain if gain > 0 else float("inf")


def flows(before: Look, after: Look) -> dict[int, Flow]:
    """Find out what happens to each index, all of its inputs together."""
    seconds = max(after.at - before.at, 1e-3)
    found = {}
    for index in sorted({partition.partition for partition in after.ends}):
        inputs = [partition for partition in after.ends if partition.partition == index]
        lag = sum(after.lag(partition) for partition in inputs)
        coming = sum(max(0, after.ends[partition] - before.ends[partition]) for partition in inputs)
        handled = sum(max(0, after.done[partition] - before.done[partition]) for partition in inputs)
        found[index] = Flow(lag, coming / seconds, handled / seconds, seconds)
    return found
