"""Dead letters: records that could not be handled, kept with their original bytes."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Annotated

import msgspec
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from msgspec import UNSET, Meta, UnsetType

from rollcall_consumer import metrics
from rollcall_consumer.runtime.pipeline import Record
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.errors import ConfigurationError, Unreadable, UnreadableRecordError
from rollcall_domain.service.cause import Overheard, explain
from rollcall_domain.service.connection import client_options, started
from rollcall_domain.service.provision import topic_name
from rollcall_domain.topics import DEAD_LETTER_LIMIT, DEAD_LETTERS

log = structlog.get_logger()

BACKOFF = 1.0
"""Seconds between tries to write dead letters."""

CLOSE_LIMIT = 1.0
"""Seconds for leaving Kafka."""

VALUE_LIMIT = DEAD_LETTER_LIMIT - 128 * 1024
"""Bytes of a dead letter's value at the most; the rest is for its key and headers."""


Number = Annotated[str, Meta(pattern=r"^-?[0-9]+\Z")]
"""A whole number in decimal digits: headers are text."""


class DeadLetterHeaders(msgspec.Struct, kw_only=True, rename=lambda name: "dead-letter." + name.replace("_", "-")):
    """Headers that a dead letter has beside those that the record had before.

    Attributes:
        reason: What is wrong with the record, for programs.
        detail: What is wrong with it, for people.
        group: The consumer group that could not handle it.
        topic: Where it was read.
        partition: The partition there.
        offset: The offset there.
        timestamp: When it was written there, in milliseconds since 1970, UTC.
        truncated_from: The size in bytes of a value that was larger than the topic takes, and was cut short.
    """

    reason: Unreadable
    detail: str
    group: str
    topic: str
    partition: Number
    offset: Number
    timestamp: Number
    truncated_from: Number | UnsetType = UNSET


class DeadLetter(msgspec.Struct, frozen=True):
    """A record that could not be handled, and why."""

    record: Record
    error: UnreadableRecordError

    def value(self, limit: int) -> bytes | None:
        """Give the record's value, without what is beyond a limit in bytes."""
        return None if self.record.value is None else self.record.value[:limit]

    def headers(self, group: str, limit: int) -> list[tuple[str, bytes]]:
        """Say why and where from, after the headers that the record had before."""
        size = len(self.record.value or b"")
        why = DeadLetterHeaders(
            reason=self.error.reason,
            detail=self.error.detail,
            group=group,
            topic=self.record.topic,
            partition=str(self.record.partition),
            offset=str(self.record.offset),
            timestamp=str(self.record.timestamp),
            truncated_from=str(size) if size > limit else UNSET,
        )
        headers: dict[str, str] = msgspec.to_builtins(why)
        return [*self.record.headers, *((name, value.encode()) for name, value in headers.items())]


class DeadLetterQueue:
    """Where a worker's dead letters go: the topic `Student.DeadLetters`."""

    def __init__(self, settings: ConsumerSettings) -> None:
        self._settings = settings
        self._topic = topic_name(DEAD_LETTERS, settings)
        self._limit = VALUE_LIMIT
        self._client: AIOKafkaProducer | None = None
        self._connecting = asyncio.Lock()

    async def put(self, letters: Sequence[DeadLetter]) -> None:
        """Keep dead letters; returns once they are durable. Waits for as long as Kafka is away.

        A letter may be kept twice if Kafka fails in between, and is never lost. One that is larger than the topic
        takes is kept with its value cut short; its headers tell where the whole of it lies.
        """
        while letters:
            letters = await self._try(letters)
            if letters:
                await asyncio.sleep(BACKOFF)

    async def _try(self, letters: Sequence[DeadLetter]) -> Sequence[DeadLetter]:
        """Write dead letters, and give those that have failed."""
        with Overheard() as heard:
            try:
                client = await self._connect()
                sent = [(letter, await self._send(client, letter)) for letter in letters]
            except (KafkaError, TimeoutError, ConfigurationError) as error:
                log.warning("Waiting for Kafka to take dead letters", reason=explain(heard.cause(error)))
                return letters
        failed = [letter for letter, delivery in sent if not await self._is_kept(letter, delivery)]
        if failed and client is self._client:
            await self.close()  # a failed batch leaves a gap, and the client takes no further one
        return failed

    async def _send(self, client: AIOKafkaProducer, letter: DeadLetter) -> "asyncio.Future[object]":
        delivery: asyncio.Future[object] = await client.send(
            self._topic,
            key=letter.record.key,
            value=letter.value(self._limit),
            partition=letter.record.partition,
            headers=letter.headers(self._settings.group_id, self._limit),
        )
        return delivery

    async def _is_kept(self, letter: DeadLetter, delivery: "asyncio.Future[object]") -> bool:
        record, place = letter.record, {"partition": letter.record.partition, "offset": letter.record.offset}
        try:
            await delivery
        except MessageSizeTooLargeError:
            self._limit = max(1, min(self._limit, len(record.value or b"")) // 2)
            log.warning("Cutting a dead letter short", bytes=self._limit, **place)
            return False
        except KafkaError as error:
            log.warning("Waiting for Kafka to take a dead letter", reason=explain(error), **place)
            return False
        metrics.dead_letters.labels(letter.error.reason).inc()
        log.warning("Kept a dead letter", reason=letter.error.reason, detail=letter.error.detail, **place)
        return True

    async def _connect(self) -> AIOKafkaProducer:
        async with self._connecting:
            if self._client is None:
                self._client = await started(
                    AIOKafkaProducer(
                        **client_options(self._settings, "rollcall-dead-letters"),
                        enable_idempotence=True,
                        acks="all",
                        max_request_size=DEAD_LETTER_LIMIT,
                    )
                )
            return self._client

    async def close(self) -> None:
        """Leave Kafka."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_LIMIT):
                    await client.stop()
