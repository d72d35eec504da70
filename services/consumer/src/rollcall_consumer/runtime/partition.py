"""One assigned partition: its records in order to the handler, then their offset committed."""

import asyncio
import contextlib
from collections.abc import Iterator
from time import time

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from rollcall_consumer import metrics
from rollcall_consumer.runtime.deadletters import DeadLetter, DeadLetterQueue
from rollcall_consumer.runtime.pipeline import Handler, Record
from rollcall_domain.errors import UnreadableRecordError

log = structlog.get_logger()

POLL = 1.0
"""Seconds that a poll waits for records."""

CHUNK = 500
"""Records that are handled between two commits at the most, and without giving way to other tasks."""

BACKOFF = 0.5
"""Seconds between tries to find out where the partition's log ends."""


class PartitionTask:
    """The work on one partition for as long as it is assigned.

    Attributes:
        partition: Which one.
        caught_up: Whether all is handled that was there on assignment.
    """

    def __init__(
        self, partition: TopicPartition, consumer: AIOKafkaConsumer, handle: Handler, dead_letters: DeadLetterQueue
    ) -> None:
        self.partition = partition
        self.caught_up = False
        self._consumer = consumer
        self._handle = handle
        self._dead_letters = dead_letters
        self._handled = metrics.records.labels(partition.partition)
        self._position: int | None = None
        self._oldest: int | None = None
        self._stopping = False
        self._interruptible = True
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to work."""
        self._task = asyncio.create_task(self._run(), name=f"{self.partition.topic}-{self.partition.partition}")

    async def stop(self, grace: float) -> None:
        """Finish the chunk in hand with its commit, and end; without them after a time of grace, in seconds."""
        if self._task is None:
            return
        self._stopping = True
        if self._interruptible:
            # A poll does not return during a rebalance, and a rebalance waits for this.
            self._task.cancel()
        _, unfinished = await asyncio.wait([self._task], timeout=grace)
        if unfinished:
            log.warning("Left a chunk without a commit", partition=self.partition.partition)
            self._task.cancel()

    def check(self) -> None:
        """Raise the error that has ended the work, if one has."""
        if self._task is not None and self._task.done() and not self._task.cancelled():
            self._task.result()

    def lag(self) -> int | None:
        """Count the records that are not handled yet; None before the first fetch."""
        end: int | None = self._consumer.highwater(self.partition)
        if end is None or self._position is None:
            return None
        return max(0, end - self._position)

    def lag_seconds(self) -> float | None:
        """Tell the age of the oldest record known not to be handled yet; None before the first fetch."""
        lag = self.lag()
        if lag is None:
            return None
        return max(0.0, time() - self._oldest / 1000) if lag and self._oldest is not None else 0.0

    async def _run(self) -> None:
        end = await self._locate()
        while not self._stopping:
            self.caught_up = self.caught_up or (self._position or 0) >= end
            records = await self._poll()
            if records and not await self._work(records):
                return

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
        return polled.get(self.partition, [])

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[None]:
        """Wait for records, with nothing in hand."""
        self._interruptible = True
        try:
            yield
        finally:
            self._interruptible = False

    async def _work(self, records: list[Record]) -> bool:
        self._oldest = records[0].timestamp
        await self._dead_letters.put(self._handle_all(records))
        self._handled.inc(len(records))
        return await self._commit(records[-1].offset + 1)

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

    async def _commit(self, offset: int) -> bool:
        """Commit what is handled; aiokafka repeats it for as long as Kafka is away.

        Returns:
            False if the group has given the partition away meanwhile: its next owner handles the chunk again.
        """
        try:
            await self._consumer.commit({self.partition: offset})
        except (CommitFailedError, IllegalStateError):
            log.warning("Lost the partition before a commit", partition=self.partition.partition, offset=offset)
            return False
        metrics.commits.inc()
        self._position = offset
        return True
