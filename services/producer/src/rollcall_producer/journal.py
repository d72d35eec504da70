"""Step 3 of an update's way: the topic it is written to, by a connection that is replaced when it fails."""

import asyncio
from collections.abc import Callable

import structlog
from aiokafka.producer.message_accumulator import BatchBuilder

from rollcall_domain.errors import TopicMismatchError
from rollcall_domain.service.cause import explain, is_denial
from rollcall_domain.service.connection import REFUSED_BACKOFF, persist, started
from rollcall_domain.service.provision import ensure_topics, largest_batch, topic_name
from rollcall_domain.topics import STUDENT
from rollcall_producer import metrics
from rollcall_producer.batch import split
from rollcall_producer.client import Client
from rollcall_producer.errors import BatchTooLargeError, NotWrittenError, OutcomeUnknownError
from rollcall_producer.kafka import Connection
from rollcall_producer.settings import ProducerSettings

log = structlog.get_logger()

BATCH_LIMIT = 512 * 1024
"""Bytes of a batch at the most: half of what a broker takes by default."""

PULSE = 5.0
"""Seconds between looks at whether Kafka still answers."""

CHECK = 0.5
"""Seconds between looks at whether what is out can still arrive."""


class Journal:
    """The topic that accepted updates are written to.

    Attributes:
        fault: Why nothing can be written now, or None.
        batch_limit: Bytes of a batch at the most.
    """

    def __init__(self, settings: ProducerSettings) -> None:
        self.fault: str | None = "not connected to Kafka yet"
        self.batch_limit = BATCH_LIMIT
        self._settings = settings
        self._partitions = settings.partitions
        self._was_connected = False
        self._tell_layout: Callable[[int], None] = lambda _: None
        self._connection: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()

    def on_layout(self, tell: Callable[[int], None]) -> None:
        """Have somebody told how many partitions the topic has, whenever that changes."""
        self._tell_layout = tell

    def leader(self, partition: int) -> int | None:
        """Tell which broker leads a partition, or None if there is none or it is not known."""
        return self._connection.result().leader(partition) if self._connection.done() else None

    async def connected(self) -> Connection:
        """Wait until there is a connection."""
        while True:
            done = self._connection.done()
            connection = self._connection.result() if done else await asyncio.shield(self._connection)
            if not connection.failed.done():
                return connection
            await asyncio.sleep(0)  # it is being replaced

    async def write(self, partition: int, builder: BatchBuilder) -> int | None:
        """Write a batch, and return once it is acknowledged.

        One that is too large, because the topic's limit has changed, is split.

        Returns:
            The offset of its first record, which the others follow; None if that is not known.

        Raises:
            NotWrittenError: It was refused as a whole.
            OutcomeUnknownError: It is in the log, or parts of it, or nothing.
        """
        connection = await self.connected()
        if builder.size() > self.batch_limit and builder.record_count() > 1:  # it has been lowered since
            await self._write_in_pieces(partition, builder)
            return None
        try:
            return await connection.send(partition, builder)
        except BatchTooLargeError:
            if builder.record_count() == 1:
                raise
            await self._write_in_pieces(partition, builder)
            return None

    async def _write_in_pieces(self, partition: int, builder: BatchBuilder) -> None:
        """Write a batch as several, between which others may lie."""
        await self.connected()  # makes the limit known
        limit = min(self.batch_limit, builder.size() // 2)
        for number, piece in enumerate(split(builder, limit)):
            try:
                await self.write(partition, piece)
            except NotWrittenError as error:
                if number == 0:
                    raise
                raise OutcomeUnknownError(f"parts of the batch are written, and others not: {error}") from error

    async def run(self) -> None:
        """Stay connected until cancelled.

        Raises:
            TopicMismatchError: The topic is not laid out as declared, at the start.
        """
        while True:
            connection = await persist(self._connect, self._settings, self._report)
            connection.failed.add_done_callback(self._withdraw)
            self.fault, self._was_connected = None, True
            self._lay_out(connection.partitions)
            self._connection.set_result(connection)
            try:
                await self._watch(connection)
            finally:
                await connection.close()
            if is_denial(connection.failed.result()):  # which the next client would meet at its first batch
                await asyncio.sleep(REFUSED_BACKOFF)

    def _withdraw(self, failed: asyncio.Future[BaseException]) -> None:
        self.fault = f"the connection to Kafka is being replaced: {explain(failed.result())}"
        self._connection = asyncio.get_running_loop().create_future()

    async def _watch(self, connection: Connection) -> None:
        """Wait until the connection fails, as it does if nothing can arrive on it any more."""
        async with asyncio.TaskGroup() as tasks:
            looking = tasks.create_task(self._look(connection), name="look")
            while not connection.failed.done():
                await asyncio.wait([connection.failed], timeout=CHECK)
                connection.check()
            looking.cancel()
        log.warning("Replacing the Kafka client", reason=explain(connection.failed.result()))
        metrics.replacements.inc()

    async def _look(self, connection: Connection) -> None:
        """Look now and then whether Kafka still answers, and how the topic is laid out."""
        while True:
            await asyncio.sleep(PULSE)
            partitions = await connection.look(self._settings.deadline_seconds)
            if not connection.failed.done():
                self.fault = "Kafka does not answer" if partitions is None else None
                self._lay_out(partitions or self._partitions)

    def _lay_out(self, partitions: int) -> None:
        """Follow a change of the partition count: operators add partitions, or make the topic anew."""
        if partitions == self._partitions:
            return
        log.warning(
            "The topic's partition count has changed; set ROLLCALL_PARTITIONS before the next start",
            partitions=partitions,
            before=self._partitions,
        )
        self._partitions = partitions
        self._tell_layout(partitions)

    def _report(self, fault: str) -> None:
        self.fault = fault

    async def _connect(self) -> Connection:
        try:
            await ensure_topics([STUDENT], self._settings)
        except TopicMismatchError:
            if not self._was_connected:
                raise
        self.batch_limit = min(BATCH_LIMIT, await largest_batch(STUDENT, self._settings) or BATCH_LIMIT)
        topic = topic_name(STUDENT, self._settings)
        client = Client(topic, self._settings, BATCH_LIMIT)
        await started(client)
        log.info("Connected to Kafka", bootstrap_servers=self._settings.bootstrap_servers, topic=topic)
        return Connection(client)
