"""A replica of a pipeline: a member of the consumer group, with a task for each partition that it holds."""

import asyncio
import contextlib
from collections.abc import Collection
from time import monotonic

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from rollcall_consumer.runtime.deadletters import DeadLetterQueue
from rollcall_consumer.runtime.partition import POLL, PartitionTask
from rollcall_consumer.runtime.pipeline import Pipeline
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.service.connection import client_options, persist
from rollcall_domain.service.provision import ensure_topics, topic_name
from rollcall_domain.topics import DEAD_LETTERS

log = structlog.get_logger()

SESSION_TIMEOUT = 10.0
"""Seconds without a heartbeat after which the group takes a replica for dead."""

HEARTBEAT = 1.0
"""Seconds between heartbeats: it is by them that a replica learns that partitions move."""

REBALANCE_TIMEOUT = 30.0
"""Seconds that the group waits for a replica when partitions move; what is in hand gets most of them."""

LEAVE_TIMEOUT = 8.0
"""Seconds to finish and leave at the end: less than the ten that Docker gives."""

STUCK = 60.0
"""Seconds without progress after which the work is taken for dead."""

NOWHERE = TopicPartition("", 0)
"""A partition that no topic has."""


class Worker(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """A replica of a pipeline."""

    def __init__(self, pipeline: Pipeline, settings: ConsumerSettings) -> None:
        self._pipeline = pipeline
        self._settings = settings
        self._topic = topic_name(pipeline.source, settings)
        self._handle = pipeline.handler(settings)
        self._dead_letters = DeadLetterQueue(settings)
        self._tasks: list[PartitionTask] = []
        self._fault: str | None = "not connected to Kafka yet"
        self._progress: float | None = None

    @property
    def tasks(self) -> Collection[PartitionTask]:
        """The work on the partitions that this replica holds now."""
        return self._tasks

    def live(self) -> str | None:
        """Tell that the work makes no progress, or None. That Kafka is away is no lack of it."""
        still = 0.0 if self._progress is None else monotonic() - self._progress
        return f"no progress for {still:.0f} s" if still > STUCK else None

    def ready(self) -> str | None:
        """Tell what is still to come before this replica is up to date, or None."""
        if self._fault is not None:
            return self._fault
        behind = [str(task.partition.partition) for task in self._tasks if not task.caught_up]
        return f"catching up on partitions {', '.join(behind)}" if behind else None

    async def run(self) -> None:
        """Consume until cancelled; then finish what is in hand, commit it, and leave the group at once.

        Raises:
            TopicMismatchError: A topic is not laid out as declared.
            KafkaError: The group refuses this replica for good.
        """
        consumer = await persist(self._connect, self._settings, self._report)
        try:
            consumer.subscribe([self._topic], listener=self)
            self._fault = "waiting for the group to assign partitions"
            log.info("Running consumer", pipeline=self._pipeline.name, group=self._settings.group, topic=self._topic)
            await self._stay(consumer)
        finally:
            self._fault = "shutting down"
            await self._leave(consumer)

    async def _connect(self) -> AIOKafkaConsumer:
        await ensure_topics([self._pipeline.source, DEAD_LETTERS], self._settings)
        consumer = AIOKafkaConsumer(
            **client_options(self._settings, f"rollcall-{self._pipeline.name}"),
            group_id=self._settings.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            partition_assignment_strategy=(RangePartitionAssignor,),
            session_timeout_ms=int(SESSION_TIMEOUT * 1000),
            heartbeat_interval_ms=int(HEARTBEAT * 1000),
            rebalance_timeout_ms=int(REBALANCE_TIMEOUT * 1000),
        )
        try:
            await consumer.start()
        except BaseException:
            await consumer.stop()
            raise
        self._consumer = consumer
        return consumer

    def _report(self, fault: str) -> None:
        self._fault = fault

    async def _stay(self, consumer: AIOKafkaConsumer) -> None:
        """Poll, also for a replica that holds no partition.

        aiokafka leaves the group when nobody polls, and tells of a group that is lost only those who do.
        """
        while True:
            self._progress = monotonic()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2 * POLL):  # a poll does not return during a rebalance
                    await consumer.getmany(NOWHERE, timeout_ms=int(POLL * 1000))
            for task in self._tasks:
                task.check()

    async def _leave(self, consumer: AIOKafkaConsumer) -> None:
        try:
            async with asyncio.timeout(LEAVE_TIMEOUT):
                await self._stop_tasks(LEAVE_TIMEOUT / 2)
                await consumer.stop()
                await self._dead_letters.close()
        except TimeoutError:
            log.warning("Kafka did not answer; the group will notice in a while", seconds=SESSION_TIMEOUT)

    async def _stop_tasks(self, grace: float) -> None:
        tasks, self._tasks = self._tasks, []
        await asyncio.gather(*(task.stop(grace) for task in tasks))

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Finish what is in hand; the group waits."""
        self._fault = "waiting for the group to assign partitions"
        await self._stop_tasks(REBALANCE_TIMEOUT * 0.8)
        if revoked:
            log.info("Gave back partitions", partitions=_indexes(revoked))

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Begin to work on what the group has assigned."""
        self._tasks = [
            PartitionTask(partition, self._consumer, self._handle, self._dead_letters) for partition in sorted(assigned)
        ]
        for task in self._tasks:
            task.start()
        self._fault = None
        log.info("Took partitions", partitions=_indexes(assigned))


def _indexes(partitions: Collection[TopicPartition]) -> list[int]:
    return sorted(partition.partition for partition in partitions)
