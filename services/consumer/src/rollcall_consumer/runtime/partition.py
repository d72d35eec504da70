"""One assigned partition: its records in order to the handler, and their offset noted."""

import asyncio
import contextlib
from collections.abc import Iterator
from time import time

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from rollcall_consumer import metrics
from rollcall_consumer.runtime.deadletters import DeadLetter, DeadLetterQueue
from rollcall_consumer.runtime.offsets import Offsets
from rollcall_consumer.runtime.pipeline import Handler, Record
from rollcall_domain.errors import UnreadableRecordError

log = structlog.get_logger()

POLL = 1.0
"""Seconds that a poll waits for records."""

CHUNK = 500
"""Records that are handled at a time, without giving way to other tasks."""

BACKOFF = 0.5
"""Seconds between tries to find out where the partition's log ends."""


class PartitionTask:
    """The work on one partition for as long as it is assigned.

    Attributes:
        partition: Which one.
        caught_up: Whether all is handled that was there on assignment.
    """

    def __init__(
        self,
        partition: TopicPartition,
        consumer: AIOKafkaConsumer,
        handle: Handler,
        dead_letters: DeadLetterQueue,
        offsets: Offsets,
    ) -> None:
        self.partition = partition
        self.caught_up = False
        self._consumer = consumer
        self._handle = handle
        self._dead_letters = dead_letters
        self._offsets = offsets
        self._handled = metrics.records.labels(partition.partition)
        self._position: int | None = None
        self._latest: int | None = None
        self._stopping = False
        self._interruptible = True
        self._task = asyncio.create_task(self._run(), name=f"{partition.topic}-{partition.partition}")

    async def stop(self, grace: float) -> None:
        """Finish the chunk in hand, and end; at once after a time of grace, in seconds."""
        self._stopping = True
        if self._interruptible:
            # A poll does not return during a rebalance, and a rebalance waits for this.
            self._task.cancel()
        _, unfinished = await asyncio.wait([self._task], timeout=grace)
        if unfinished:
            log.warning("Left a chunk unfinished", partition=self.partition.partition)
            self._task.cancel()
            await asyncio.wait([self._task])
        error = None if self._task.cancelled() else self._task.exception()
        if error is not None and not isinstance(error, KafkaError):  # one of Kafka's strikes all, and one is raised
            log.error("The work on a partition failed", partition=self.partition.partition, exc_info=error)

    def check(self) -> None:
        """Raise the error that has ended the work, if one has."""
        if self._task.done() and not self._task.cancelled():
            self._task.result()

    def lag(self) -> int | None:
        """Count the records that are not handled yet, up to the first open transaction; None before the first fetch.

        Marks of transactions count as records.
        """
        if self._position is None or self.partition not in self._consumer.assignment():
            return None
        end: int | None = self._consumer.last_stable_offset(self.partition)
        return None if end is None else max(0, end - self._position)

    def lag_seconds(self) -> float | None:
        """Tell how old the oldest record is that is not handled yet; None before the first fetch.

        Where that record has not been fetched yet, the last one that was stands for it, which is older.
        """
        lag = self.lag()
        if lag is None:
            return None
        return max(0.0, time() - self._latest / 1000) if lag and self._latest is not None else 0.0

    async def _run(self) -> None:
        end = await self._locate()
        while not self._stopping:
            self.caught_up = self.caught_up or (self._position or 0) >= end
            records = await self._poll()
            if records:
                await self._work(records)

    async def _locate(self) -> int:
        """Find out where work begins, and how far it is to the end of the log."""
        with self._waiting():
            self._position = await self._consumer.position(self.partition)
            while True:
                try:
                    ends: dict[TopicPartition, int] = await self._consumer.end_offsets([self.partition])
                except KafkaError:
                    await asyncio.sleep(BACKOFF)
                else:
                    return ends[self.partition]

    async def _poll(self) -> list[Record]:
        with self._waiting():
            polled: dict[TopicPartition, list[Record]] = await self._consumer.getmany(
                self.partition, timeout_ms=int(POLL * 1000), max_records=CHUNK
            )
            records = polled.get(self.partition, [])
            if not records:
                # A log may end in marks of transactions, or begin after the last commit: there is nothing to handle.
                self._position = await self._consumer.position(self.partition)
        return records

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[None]:
        """Wait for records, with nothing in hand."""
        self._interruptible = True
        try:
            yield
        finally:
            self._interruptible = False

    async def _work(self, records: list[Record]) -> None:
        self._latest = records[0].timestamp
        await self._dead_letters.put(self._handle_all(records))
        self._handled.inc(len(records))
        self._latest = records[-1].timestamp
        self._position = records[-1].offset + 1
        self._offsets.handled(self.partition, self._position)

    def _handle_all(self, records: list[Record]) -> list[DeadLetter]:
        unreadable = []
        for record in records:
            try:
                self._handle(record)
            except UnreadableRecordError as error:
                unreadable.append(DeadLetter(record, error))
            except Exception:
                log.exception("The handler failed", partition=record.partition, offset=record.offset)
                raise
        return unreadable
