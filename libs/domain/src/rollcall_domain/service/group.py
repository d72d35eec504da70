"""A consumer group as Kafka knows it: how far it has come with each partition, and how far there is to go."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from time import monotonic
from typing import Literal, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from rollcall_domain.service.closing import leave
from rollcall_domain.service.committed import committed, refuse_failed_fetches
from rollcall_domain.service.connection import client_options, started
from rollcall_domain.service.settings import ServiceSettings

PEEK = 16 * 1024
"""Bytes of a partition that are read to see one record; Kafka gives a whole batch at the least."""

PEEK_LIMIT = 1.0
"""Seconds within which a record that is there comes in."""

CLOSE_LIMIT = 2.0
"""Seconds for leaving Kafka."""


@contextlib.asynccontextmanager
async def observing(
    settings: ServiceSettings,
    group_id: str,
    *,
    isolation: Literal["read_committed", "read_uncommitted"] = "read_committed",
) -> AsyncIterator[AIOKafkaConsumer]:
    """Make a consumer that knows a group and is no member of it.

    Args:
        settings: Where Kafka is.
        group_id: The group as Kafka knows it.
        isolation: Whether records of transactions that are open count as well.

    Raises:
        KafkaError: Kafka can't be reached, or refuses.
        TimeoutError: Kafka does not answer.
    """
    consumer = await started(
        AIOKafkaConsumer(
            **client_options(settings, "rollcall-observer"),
            group_id=group_id,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level=isolation,
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
