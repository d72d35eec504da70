"""Step 3 of an update's way: batches to Kafka, acknowledged by all replicas in sync.

aiokafka is used by its batch API: `send()` for each record takes six times as long, and loses order under load.
"""

import asyncio
import contextlib

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from rollcall_domain.service.connection import client_options, persist
from rollcall_domain.service.provision import ensure_topics, topic_name
from rollcall_domain.topics import STUDENT
from rollcall_producer import metrics
from rollcall_producer.errors import OutcomeUnknownError
from rollcall_producer.settings import ProducerSettings

log = structlog.get_logger()

BATCH_LIMIT = 512 * 1024
"""Bytes of a batch at the most: half of what a broker takes by default."""

STALL = 60.0
"""Seconds after which a batch that aiokafka still holds is given up, and the client with it."""


class Batch:
    """Records for one partition that travel together."""

    def __init__(self, journal: "Journal", client: AIOKafkaProducer, partition: int) -> None:
        self._journal = journal
        self._client = client
        self._partition = partition
        self._builder = client.create_batch()

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
            OutcomeUnknownError: The client has failed, and is replaced.
        """
        try:
            async with asyncio.timeout(STALL):
                delivery = await self._client.send_batch(self._builder, self._journal.topic, partition=self._partition)
                await delivery
        except (KafkaError, TimeoutError) as error:
            self._journal.replace(self._client, error)
            raise OutcomeUnknownError(f"Kafka failed ({_name(error)}); the update may be written, or not") from error


class Journal:
    """The topic that accepted updates are written to, and the client that writes them.

    Attributes:
        topic: The topic's full name.
        fault: Why nothing can be written now, or None.
    """

    def __init__(self, settings: ProducerSettings) -> None:
        self.topic = topic_name(STUDENT, settings)
        self.fault: str | None = "not connected to Kafka yet"
        self._settings = settings
        self._connected = asyncio.Event()
        self._broken = asyncio.Event()
        self._client: AIOKafkaProducer | None = None

    async def open_batch(self, partition: int) -> Batch:
        """Start a batch; waits while there is no connection."""
        while self._client is None or self._broken.is_set():
            await self._connected.wait()
        return Batch(self, self._client, partition)

    def replace(self, client: AIOKafkaProducer, error: BaseException) -> None:
        """Have a client replaced that a batch has failed on.

        A failed batch leaves a gap in the sequence of its partition, and no later one is taken from this client.
        """
        if client is self._client and not self._broken.is_set():
            log.warning("Replacing the Kafka client", reason=_name(error))
            metrics.replacements.inc()
            self.fault = f"the connection to Kafka is being replaced after {_name(error)}"
            self._connected.clear()
            self._broken.set()

    async def run(self) -> None:
        """Stay connected until cancelled.

        Raises:
            TopicMismatchError: The topic is not laid out as declared.
        """
        while True:
            self._client = client = await persist(self._connect, self._settings, self._report)
            try:
                self._broken.clear()
                self.fault = None
                self._connected.set()
                await self._broken.wait()
            finally:
                await _close(client)

    def _report(self, fault: str) -> None:
        self.fault = fault

    async def _connect(self) -> AIOKafkaProducer:
        await ensure_topics([STUDENT], self._settings)
        client = AIOKafkaProducer(
            **client_options(self._settings, "rollcall-producer"),
            enable_idempotence=True,
            acks="all",
            max_batch_size=BATCH_LIMIT,
            request_timeout_ms=int(self._settings.deadline_seconds * 1000),
        )
        try:
            await client.start()
            await client.partitions_for(self.topic)
        except BaseException:
            await client.stop()
            raise
        log.info("Connected to Kafka", bootstrap_servers=self._settings.bootstrap_servers, topic=self.topic)
        return client


async def _close(client: AIOKafkaProducer) -> None:
    """Close a client for good, with what it may still hold.

    aiokafka's own `stop()` waits for every batch, and thus for ever where a broker is away. A client that was merely
    left would go on sending, after and between the batches of the next one.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(2):
            await client.stop()
            return
    await client.client.close()
    await client._sender.close()  # noqa: SLF001 - no public way ends it


def _name(error: BaseException) -> str:
    return type(error).__name__.removesuffix("Error")
