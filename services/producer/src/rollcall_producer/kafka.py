"""Step 4 of an update's way: a batch to Kafka, acknowledged by all replicas in sync.

aiokafka is used by its batch API: `send()` for each record takes six times as long, and loses order under load.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError
from aiokafka.structs import TopicPartition

from rollcall_domain.service.cause import Overheard, explain, is_denial, is_refusal
from rollcall_producer.errors import DeliveryError, NotWrittenError, OutcomeUnknownError

STALL = 60.0
"""Seconds after which a batch is given up whose partition has a leader, and the client with it."""

LOOK = 0.5
"""Seconds between looks at whether a batch that is out can still arrive."""

CLOSE_LIMIT = 1.0
"""Seconds for each step of closing a client."""


class Batch:
    """Records for one partition that travel together."""

    def __init__(self, connection: "Connection", partition: int) -> None:
        self._connection = connection
        self._partition = partition
        self._builder = connection.client.create_batch()

    def append(self, key: bytes, value: bytes, timestamp: int) -> bool:
        """Add a record.

        Args:
            key: The record's key.
            value: The record's value.
            timestamp: Milliseconds since 1970, UTC.

        Returns:
            False if the batch is full, which then does not hold the record.
        """
        return self._builder.append(timestamp=timestamp, key=key, value=value) is not None

    async def send(self) -> None:
        """Send the batch, and return once it is acknowledged.

        There is no deadline here but `STALL`: the idempotent client repeats a batch until it is in the log once, and
        whoever sent another one before that would risk the order. Callers who can't wait give up by themselves.

        Raises:
            NotWrittenError: Kafka has refused the batch, or there is no such partition any more.
            OutcomeUnknownError: The client has failed meanwhile.
        """
        connection = self._connection
        try:
            await connection.check_partition(self._partition)
            delivery = await connection.client.send_batch(self._builder, connection.topic, partition=self._partition)
            await connection.delivered(delivery, self._partition)
        except (NotWrittenError, KafkaError, TimeoutError) as error:
            connection.fail(error)
            raise _delivery_error(error) from error


def _delivery_error(error: Exception) -> DeliveryError:
    if isinstance(error, DeliveryError):
        return error
    if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
        return NotWrittenError(f"Kafka refused the batch as too large ({_name(error)}); nothing was written")
    if is_denial(error):
        return NotWrittenError(f"Kafka refused the batch ({explain(error)}); nothing was written")
    return OutcomeUnknownError(f"Kafka failed ({_name(error)}); the update may be written, or not")


class Connection:
    """A Kafka client from its start until a batch fails on it.

    A failed batch leaves a gap in the sequence of its partition, and no later one is taken from this client.

    Attributes:
        client: The client.
        topic: The topic's full name.
        failed: Done, with the error, once the client is to be replaced.
    """

    def __init__(self, client: AIOKafkaProducer, topic: str) -> None:
        self.client = client
        self.topic = topic
        self.failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        self._closing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._deliveries: set[asyncio.Future[Any]] = set()

    def fail(self, error: BaseException) -> None:
        """Have the client replaced."""
        if not self.failed.done():
            self.failed.set_result(error)

    async def check_partition(self, partition: int) -> None:
        """Make sure that a partition is still there: somebody may have made the topic anew, with fewer.

        Raises:
            NotWrittenError: It is not.
            KafkaError: The topic is not there.
        """
        if partition not in await self.client.partitions_for(self.topic):
            raise NotWrittenError(f"topic {self.topic} has no partition {partition} any more; nothing was written")

    async def delivered(self, delivery: asyncio.Future[Any], partition: int) -> None:
        """Wait until a batch is acknowledged.

        Raises:
            KafkaError: It failed.
            TimeoutError: Nothing is known of it after `STALL`, the partition is gone, or the client was closed.
        """
        self._deliveries.add(delivery)
        delivery.add_done_callback(self._forget)
        begin = monotonic()
        while not delivery.done():
            await asyncio.wait([delivery, self._closing], timeout=LOOK, return_when=asyncio.FIRST_COMPLETED)
            if not delivery.done() and not self._may_arrive(partition, monotonic() - begin):
                raise TimeoutError
        delivery.result()

    def _forget(self, delivery: asyncio.Future[Any]) -> None:
        self._deliveries.discard(delivery)
        if not delivery.cancelled():
            delivery.exception()  # marks it as seen, also where nobody waits any more

    def _may_arrive(self, partition: int, seconds: float) -> bool:
        """Tell whether a batch is worth waiting for: one whose partition has no leader is, for as long as it takes."""
        cluster = self.client.client.cluster
        if self._closing.done() or partition not in (cluster.partitions_for_topic(self.topic) or ()):
            return False
        leader = cluster.leader_for_partition(TopicPartition(self.topic, partition))
        return seconds < STALL or leader in (None, -1)

    async def answers(self, limit: float) -> bool:
        """Find out whether Kafka answers within a time in seconds. A client that it refuses is to be replaced."""
        with Overheard() as heard:
            try:
                async with asyncio.timeout(limit):
                    await self.client.client.fetch_all_metadata()
            except (KafkaError, TimeoutError) as error:
                cause = heard.cause(error)
            else:
                return True
        if is_refusal(cause):
            self.fail(cause)
        return False

    async def close(self) -> None:
        """Close the client for good, with what it may still hold.

        aiokafka's `stop()` waits for every batch, and thus for ever where a broker is away. A client that was merely
        left would go on sending, after and between the batches of the next one. So its sender is ended first; each
        attempt ends at least one of the requests that the sender waits for.
        """
        if self._deliveries:
            await asyncio.wait(self._deliveries, timeout=CLOSE_LIMIT)
        self._closing.set_result(None)
        if not self._deliveries:
            await _bounded(self.client.stop)
        sender = self.client._sender  # noqa: SLF001 - no public way ends it
        while sender.sender_task is not None and not sender.sender_task.done():
            await _bounded(sender.close)
        await _bounded(self.client.client.close)
        self.client._closed = True  # noqa: SLF001 - else it warns that nobody has closed it


async def _bounded(step: Callable[[], Awaitable[None]]) -> None:
    with contextlib.suppress(TimeoutError, KafkaError):
        async with asyncio.timeout(CLOSE_LIMIT):
            await step()


def _name(error: Exception) -> str:
    return type(error).__name__.removesuffix("Error")
