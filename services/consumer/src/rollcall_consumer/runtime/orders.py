"""What operators have told the group, and tell it: read from the first order on, by every replica."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from rollcall_consumer.settings import ConsumerSettings, GenerationSettings, of_generation
from rollcall_domain.control import FIRST, Control, Order, decode, encode
from rollcall_domain.service.closing import leave
from rollcall_domain.service.connection import client_options, started
from rollcall_domain.service.provision import count_partitions, ensure_topics
from rollcall_domain.topics import CONTROL

log = structlog.get_logger()

FETCH_WAIT = 0.5
"""Seconds that a broker may let a request wait for orders. What else is asked meanwhile waits for it too."""

READ_LIMIT = 15.0
"""Seconds to read all orders that there are."""

CLOSE_LIMIT = 1.0
"""Seconds for leaving Kafka."""


class Orders:
    """The orders of a group.

    Args:
        settings: The service's settings.

    Attributes:
        control: What they come to so far.
    """

    def __init__(self, settings: ConsumerSettings) -> None:
        self.control = Control()
        self._settings = settings
        self._next = 0
        self._reading = asyncio.Lock()
        self._partition = TopicPartition(settings.topic_name(CONTROL), 0)
        self._consumer = AIOKafkaConsumer(
            **client_options(settings, "rollcall-control"),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=int(FETCH_WAIT * 1000),
        )

    async def start(self) -> None:
        """Connect, and read all that there is.

        Raises:
            KafkaError: Kafka can't be reached, or refuses.
            TimeoutError: Kafka does not answer.
        """
        await started(self._consumer)
        self._consumer.assign([self._partition])
        self._consumer.seek(self._partition, 0)
        await self.catch_up()

    async def catch_up(self, consumer: AIOKafkaConsumer | None = None) -> None:
        """Read all that was given before now.

        Args:
            consumer: Asks what that is. The own one may have to wait meanwhile for an answer with orders.

        Raises:
            KafkaError: Kafka can't be reached, or refuses.
            TimeoutError: Kafka does not answer.
        """
        async with asyncio.timeout(READ_LIMIT):
            await self.reach((await (consumer or self._consumer).end_offsets([self._partition]))[self._partition])

    async def reach(self, end: int) -> None:
        """Read all that lies before an offset.

        Raises:
            KafkaError: Kafka refuses.
        """
        while self._next < end:
            await self.read(0.1)

    async def read(self, timeout: float) -> None:  # noqa: ASYNC109 - it is no error
        """Read what has come in since; wait for something for so many seconds.

        Raises:
            KafkaError: Kafka refuses.
        """
        async with self._reading:
            await self._read(timeout)

    async def _read(self, timeout: float) -> None:  # noqa: ASYNC109 - it is no error
        polled = await self._consumer.getmany(self._partition, timeout_ms=int(timeout * 1000))
        for record in polled.get(self._partition, ()):
            self._next = record.offset + 1
            order = decode(record.value)
            if order is None:
                log.warning("Passed over an order that is not known", offset=record.offset)
            else:
                self.control.apply(order)

    async def give(self, order: Order) -> None:
        """Give an order, and read on until it comes.

        Raises:
            KafkaError: Kafka can't be reached, or refuses.
            TimeoutError: Kafka does not answer; it may have the order nevertheless.
        """
        await self.reach(await give(order, self._settings))

    async def stop(self) -> None:
        """Leave Kafka."""
        await leave(self._consumer, CLOSE_LIMIT)


async def give(order: Order, settings: ConsumerSettings) -> int:
    """Give an order to the group, for all of its replicas.

    Returns:
        The offset that comes after it.

    Raises:
        KafkaError: Kafka can't be reached, or refuses.
        TimeoutError: Kafka does not answer; it may have the order nevertheless.
    """
    client = await started(AIOKafkaProducer(**client_options(settings, "rollcall-control"), acks="all"))
    try:
        written = await client.send_and_wait(settings.topic_name(CONTROL), encode(order), partition=0)
    finally:
        await client.stop()
    offset: int = written.offset
    return offset + 1


async def opened(settings: ConsumerSettings) -> Orders:
    """Read the orders that were given to a group.

    Raises:
        KafkaError: Kafka can't be reached, or refuses.
        TimeoutError: Kafka does not answer.
    """
    await ensure_topics([CONTROL], settings)
    return await started(Orders(settings))


@contextlib.asynccontextmanager
async def following(settings: ConsumerSettings) -> AsyncIterator[Orders]:
    """Read the orders of a group, those that were given first.

    Raises:
        KafkaError: Kafka can't be reached, or refuses.
        TimeoutError: Kafka does not answer.
    """
    orders = await opened(settings)
    try:
        yield orders
    finally:
        await orders.stop()


async def serving(settings: ConsumerSettings) -> GenerationSettings:
    """Give the settings of the generation that serves a group now.

    Raises:
        KafkaError: Kafka can't be reached, or refuses.
        TimeoutError: Kafka does not answer.
    """
    if not await count_partitions(settings.topic_name(CONTROL), settings):
        return of_generation(settings, FIRST)
    orders = await started(Orders(settings))
    await orders.stop()
    return of_generation(settings, orders.control.generation)
