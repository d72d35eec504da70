"""A replica of a pipeline as a whole: connected to Kafka sooner or later, and then a member of its group."""

import asyncio
import contextlib
from collections.abc import Collection

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError

from rollcall_consumer.errors import DoubtError
from rollcall_consumer.runtime.member import HEARTBEAT, REBALANCE_TIMEOUT, SESSION_TIMEOUT, Member
from rollcall_consumer.runtime.partition import PartitionTask
from rollcall_consumer.runtime.pipeline import Pipeline
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.service.cause import is_denial
from rollcall_domain.service.connection import REFUSED_BACKOFF, client_options, persist, started, unreachable
from rollcall_domain.service.provision import ensure_topics, largest_batch
from rollcall_domain.topics import DEAD_LETTER_LIMIT, DEAD_LETTERS

log = structlog.get_logger()

BACKOFF = 0.5
"""Seconds before all is begun anew."""

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
        """Consume until cancelled; then finish what is in hand, and leave the group at once.

        Whatever fails on the way, and be it that nobody knows what has become of some work, all is begun anew: from
        what is committed, by who is then a member of the group.

        Raises:
            TopicMismatchError: A topic is not laid out as declared.
        """
        while True:
            consumer, letter_limit = await persist(self._connect, self._settings, self._report)
            self._member = Member(consumer, self._pipeline, self._settings, letter_limit)
            try:
                await self._member.run()
            except (KafkaError, OSError, TimeoutError, DoubtError) as error:
                self._report(str(error) if isinstance(error, DoubtError) else unreachable(self._settings, error))
                log.warning("Beginning anew", reason=self._fault)
                self._member = None
                await _close(consumer)
                await asyncio.sleep(REFUSED_BACKOFF if is_denial(error) else BACKOFF)

    def _report(self, fault: str) -> None:
        self._fault = fault

    async def _connect(self) -> tuple[AIOKafkaConsumer, int]:
        """Connect; gives the group's consumer, and how many bytes a dead letter may have."""
        await ensure_topics(self._pipeline.topics, self._settings)
        letter_limit = await largest_batch(DEAD_LETTERS, self._settings) or DEAD_LETTER_LIMIT
        consumer = await started(
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
        return consumer, min(letter_limit, DEAD_LETTER_LIMIT)


async def _close(consumer: AIOKafkaConsumer) -> None:
    """Close what leaving the group may have left open."""
    with contextlib.suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(CLOSE_LIMIT):
            await consumer.stop()
