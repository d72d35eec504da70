"""Dead letters: records that could not be handled, kept with their original bytes."""

import asyncio
from collections.abc import Sequence

import msgspec
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from rollcall_consumer import metrics
from rollcall_consumer.runtime.pipeline import Record
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.errors import UnreadableRecordError
from rollcall_domain.service.connection import client_options
from rollcall_domain.service.provision import topic_name
from rollcall_domain.topics import DEAD_LETTER_LIMIT, DEAD_LETTERS

log = structlog.get_logger()

BACKOFF = 1.0
"""Seconds between tries to write a dead letter."""


class DeadLetter(msgspec.Struct, frozen=True):
    """A record that could not be handled, and why."""

    record: Record
    error: UnreadableRecordError

    def headers(self, group: str) -> list[tuple[str, bytes]]:
        """Say why and where from, after the headers that the record had before."""
        why = {
            "reason": self.error.reason.value,
            "detail": self.error.detail,
            "group": group,
            "topic": self.record.topic,
            "partition": str(self.record.partition),
            "offset": str(self.record.offset),
            "timestamp": str(self.record.timestamp),
        }
        return [*self.record.headers, *((f"dead-letter.{name}", value.encode()) for name, value in why.items())]


class DeadLetterQueue:
    """Where a worker's dead letters go: the topic `Student.DeadLetters`."""

    def __init__(self, settings: ConsumerSettings) -> None:
        self._settings = settings
        self._topic = topic_name(DEAD_LETTERS, settings)
        self._client: AIOKafkaProducer | None = None
        self._turn = asyncio.Lock()

    async def put(self, letters: Sequence[DeadLetter]) -> None:
        """Keep dead letters; returns once they are durable. Waits for as long as Kafka is away.

        A letter may be kept twice if Kafka fails in between, and is never lost.
        """
        async with self._turn:
            for letter in letters:
                await self._keep(letter)

    async def _keep(self, letter: DeadLetter) -> None:
        while True:
            if await self._try(letter):
                return
            await asyncio.sleep(BACKOFF)

    async def _try(self, letter: DeadLetter) -> bool:
        record = letter.record
        try:
            client = await self._connect()
            await client.send_and_wait(
                self._topic,
                key=record.key,
                value=record.value,
                partition=record.partition,
                headers=letter.headers(self._settings.group),
            )
        except KafkaError as error:
            log.warning("Waiting for Kafka to take a dead letter", error=repr(error))
            await self.close()
            return False
        metrics.dead_letters.labels(letter.error.reason).inc()
        log.warning(
            "Kept a dead letter",
            reason=letter.error.reason,
            detail=letter.error.detail,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
        )
        return True

    async def _connect(self) -> AIOKafkaProducer:
        if self._client is None:
            client = AIOKafkaProducer(
                **client_options(self._settings, "rollcall-dead-letters"),
                enable_idempotence=True,
                acks="all",
                max_request_size=DEAD_LETTER_LIMIT,
            )
            try:
                await client.start()
            except BaseException:
                await client.stop()
                raise
            self._client = client
        return self._client

    async def close(self) -> None:
        """Leave Kafka."""
        client, self._client = self._client, None
        if client is not None:
            await client.stop()
