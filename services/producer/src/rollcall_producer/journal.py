"""Step 3 of an update's way: the topic it is written to, by a connection that is replaced when it fails."""

import asyncio

import structlog
from aiokafka import AIOKafkaProducer

from rollcall_domain.service.cause import explain, is_denial
from rollcall_domain.service.connection import REFUSED_BACKOFF, client_options, persist, started
from rollcall_domain.service.provision import ensure_topics, topic_name
from rollcall_domain.topics import STUDENT
from rollcall_producer import metrics
from rollcall_producer.kafka import Batch, Connection
from rollcall_producer.settings import ProducerSettings

log = structlog.get_logger()

BATCH_LIMIT = 512 * 1024
"""Bytes of a batch at the most: half of what a broker takes by default."""

PULSE = 5.0
"""Seconds between looks at whether Kafka still answers."""


class Journal:
    """The topic that accepted updates are written to.

    Attributes:
        fault: Why nothing can be written now, or None.
    """

    def __init__(self, settings: ProducerSettings) -> None:
        self.fault: str | None = "not connected to Kafka yet"
        self._settings = settings
        self._connection: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()

    async def open_batch(self, partition: int) -> Batch:
        """Start a batch; waits while there is no connection."""
        return Batch(await asyncio.shield(self._connection), partition)

    async def run(self) -> None:
        """Stay connected until cancelled.

        Raises:
            TopicMismatchError: The topic is not laid out as declared.
        """
        while True:
            connection = await persist(self._connect, self._settings, self._report)
            self.fault = None
            self._connection.set_result(connection)
            try:
                await self._watch(connection)
                self._connection = asyncio.get_running_loop().create_future()
            finally:
                await connection.close()
            if is_denial(connection.failed.result()):  # which the next client would meet at its first batch
                await asyncio.sleep(REFUSED_BACKOFF)

    async def _watch(self, connection: Connection) -> None:
        """Look now and then whether Kafka still answers, until the connection fails."""
        while True:
            await asyncio.wait([connection.failed], timeout=PULSE)
            if connection.failed.done():
                break
            answers = await connection.answers(self._settings.deadline_seconds)
            self.fault = None if answers else "Kafka does not answer"
        reason = explain(connection.failed.result())
        self.fault = f"the connection to Kafka is being replaced: {reason}"
        log.warning("Replacing the Kafka client", reason=reason)
        metrics.replacements.inc()

    def _report(self, fault: str) -> None:
        self.fault = fault

    async def _connect(self) -> Connection:
        await ensure_topics([STUDENT], self._settings)
        topic = topic_name(STUDENT, self._settings)
        client = AIOKafkaProducer(
            **client_options(self._settings, "rollcall-producer"),
            enable_idempotence=True,
            acks="all",
            max_batch_size=BATCH_LIMIT,
            request_timeout_ms=int(self._settings.deadline_seconds * 1000),
        )
        # A batch whose partition has no leader would fail after the request's timeout, and the client with it.
        client._message_accumulator._batch_ttl = float("inf")  # noqa: SLF001 - no public setting
        await started(client)
        log.info("Connected to Kafka", bootstrap_servers=self._settings.bootstrap_servers, topic=topic)
        return Connection(client, topic)
