"""A replica of a pipeline as a whole: connected to Kafka sooner or later, and then a member of its group."""

import asyncio
import contextlib
from collections.abc import Collection
from ssl import SSLError

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError

from rollcall_consumer.runtime.member import HEARTBEAT, REBALANCE_TIMEOUT, SESSION_TIMEOUT, Member
from rollcall_consumer.runtime.partition import PartitionTask
from rollcall_consumer.runtime.pipeline import Pipeline
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.service.cause import is_denial, is_refusal
from rollcall_domain.service.connection import REFUSED_BACKOFF, client_options, persist, started, unreachable
from rollcall_domain.service.provision import ensure_topics
from rollcall_domain.topics import DEAD_LETTERS

log = structlog.get_logger()

CLOSE_LIMIT = 2.0
"""Seconds for a consumer to close that Kafka refuses."""


class Worker:
    """A replica of a pipeline."""

    def __init__(self, pipeline: Pipeline, settings: ConsumerSettings) -> None:
        self._pipeline = pipeline
        self._settings = settings
        self._member: Member | None = None
        self._fault = "not connected to Kafka yet"

    @property
    def tasks(self) -> Collection[PartitionTask]:
        """The work on the partitions that this replica holds now."""
        return () if self._member is None else self._member.tasks

    def live(self) -> str | None:
        """Tell that the work makes no progress, or None. That Kafka is away is no lack of it."""
        return None if self._member is None else self._member.live()

    def ready(self) -> str | None:
        """Tell what is still to come before this replica is up to date, or None."""
        return self._fault if self._member is None else self._member.ready()

    async def run(self) -> None:
        """Consume until cancelled; then finish what is in hand, commit it, and leave the group at once.

        Where Kafka refuses this replica, it connects anew: rights and credentials may be mended meanwhile.

        Raises:
            TopicMismatchError: A topic is not laid out as declared.
            KafkaError: The group has failed for good.
        """
        while True:
            consumer = await persist(self._connect, self._settings, self._report)
            self._member = Member(consumer, self._pipeline, self._settings)
            try:
                await self._member.run()
            except (KafkaError, SSLError) as error:
                if not (is_refusal(error) or is_denial(error)):
                    raise
                self._report(unreachable(self._settings, error))
                log.warning("Connecting anew", reason=self._fault)
                self._member = None
                await _close(consumer)
                if is_denial(error):  # which it would meet again at once
                    await asyncio.sleep(REFUSED_BACKOFF)

    def _report(self, fault: str) -> None:
        self._fault = fault

    async def _connect(self) -> AIOKafkaConsumer:
        await ensure_topics([self._pipeline.source, DEAD_LETTERS], self._settings)
        return await started(
            AIOKafkaConsumer(
                **client_options(self._settings, f"rollcall-{self._pipeline.name}"),
                group_id=self._settings.group_id,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
                partition_assignment_strategy=(RangePartitionAssignor,),
                session_timeout_ms=int(SESSION_TIMEOUT * 1000),
                heartbeat_interval_ms=int(HEARTBEAT * 1000),
                rebalance_timeout_ms=int(REBALANCE_TIMEOUT * 1000),
            )
        )


async def _close(consumer: AIOKafkaConsumer) -> None:
    """Close what leaving the group may have left open."""
    with contextlib.suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(CLOSE_LIMIT):
            await consumer.stop()
