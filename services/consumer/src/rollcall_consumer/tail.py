"""The stream as it flows, from any place and for anybody: in no group, so each viewer has a place of their own."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer, TopicPartition

from rollcall_consumer.settings import ConsumerSettings
from rollcall_consumer.view import Record
from rollcall_domain.errors import RollcallError
from rollcall_domain.place import Edge, Place
from rollcall_domain.service.closing import leave
from rollcall_domain.service.connection import client_options
from rollcall_domain.service.provision import count_partitions, topic_name
from rollcall_domain.topics import STUDENT

START_LIMIT = 15.0
"""Seconds for Kafka to answer at the start."""

CLOSE_LIMIT = 2.0
"""Seconds for leaving Kafka."""

POLL = 0.5
"""Seconds that a poll waits for records."""

CHUNK = 500
"""Records that a poll brings at the most."""


class NoSuchTopicError(RollcallError):
    """The topic to show does not exist: nothing was ever written."""


async def tail(settings: ConsumerSettings, place: Place, *, follow: bool) -> AsyncIterator[Record]:
    """Read the topic Student.

    Args:
        settings: Where Kafka is.
        place: Where to begin.
        follow: Whether to go on with what is still to come, or to end where the log ended at the start.

    Yields:
        Records; of the past in the order of their timestamps across partitions, and always in order within one.

    Raises:
        NoSuchTopicError: There is no such topic.
        KafkaError: Kafka can't be reached.
        TimeoutError: Kafka does not answer.
    """
    topic = topic_name(STUDENT, settings)
    consumer = AIOKafkaConsumer(
        **client_options(settings, "rollcall-tail"),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    try:
        async with asyncio.timeout(START_LIMIT):
            await consumer.start()
            partitions = [TopicPartition(topic, index) for index in range(await count_partitions(topic, settings))]
            if not partitions:
                raise NoSuchTopicError(f"there is no topic {topic} yet")
            consumer.assign(partitions)
            await _seek(consumer, partitions, place)
            ends = await consumer.end_offsets(partitions)
        async for record in _Merge(consumer, ends).read(follow=follow):
            yield record
    finally:
        await leave(consumer, CLOSE_LIMIT)


async def _seek(consumer: AIOKafkaConsumer, partitions: list[TopicPartition], place: Place) -> None:
    if place is Edge.BEGINNING:
        await consumer.seek_to_beginning(*partitions)
        return
    await consumer.seek_to_end(*partitions)
    if not isinstance(place, Edge):
        milliseconds = max(0, int(place.timestamp() * 1000))
        found = await consumer.offsets_for_times(dict.fromkeys(partitions, milliseconds))
        for partition, first in found.items():
            if first is not None:
                consumer.seek(partition, first.offset)


class _Merge:
    """Several partitions as one stream."""

    def __init__(self, consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> None:
        self._consumer = consumer
        self._ends = ends
        self._buffers: dict[TopicPartition, deque[Record]] = {partition: deque() for partition in ends}
        self._behind = set(ends)

    async def read(self, *, follow: bool) -> AsyncIterator[Record]:
        """Give the record with the least timestamp, once each partition has shown its next or has none."""
        while True:
            await self._settle()
            while (record := self._next()) is not None:
                if follow or record.offset < self._ends[TopicPartition(record.topic, record.partition)]:
                    yield record
            if not self._behind and not follow:
                return
            await self._poll()

    def _next(self) -> Record | None:
        if any(not self._buffers[partition] for partition in self._behind):
            return None
        filled = [buffer for buffer in self._buffers.values() if buffer]
        return min(filled, key=lambda buffer: buffer[0].timestamp).popleft() if filled else None

    async def _poll(self) -> None:
        empty = [partition for partition, buffer in self._buffers.items() if not buffer]
        polled = await self._consumer.getmany(*empty, timeout_ms=int(POLL * 1000), max_records=CHUNK)
        for partition, records in polled.items():
            self._buffers[partition].extend(records)

    async def _settle(self) -> None:
        """Find the partitions that have shown all that was there at the start."""
        for partition in [*self._behind]:
            if await self._consumer.position(partition) >= self._ends[partition]:
                self._behind.discard(partition)
