"""A replica of a pipeline as a whole: connected to Kafka sooner or later, and then a member of its group."""

import asyncio
from collections.abc import Collection, Mapping

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError

from rollcall_consumer.errors import DoubtError
from rollcall_consumer.runtime.member import HEARTBEAT, REBALANCE_TIMEOUT, SESSION_TIMEOUT, Contact, Member
from rollcall_consumer.runtime.orders import Orders
from rollcall_consumer.runtime.outlook import Outlook
from rollcall_consumer.runtime.partition import PartitionTask
from rollcall_consumer.runtime.pipeline import Pipeline
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.service.cause import is_denial
from rollcall_domain.service.closing import leave
from rollcall_domain.service.connection import REFUSED_BACKOFF, client_options, persist, started, unreachable
from rollcall_domain.service.provision import ensure_topics, largest_batch
from rollcall_domain.topics import CONTROL, DEAD_LETTER_LIMIT, DEAD_LETTERS

log = structlog.get_logger()

BACKOFF = 0.5
"""Seconds before all is begun anew."""

CLOSE_LIMIT = 2.0
"""Seconds for a consumer to close that Kafka refuses."""


class Worker:
    """A replica of a pipeline.

    Args:
        pipeline: The pipeline.
        settings: The service's settings.
        ends: The offset at which work on a partition is to end, where it is to; the replica stays in the group.
    """

    def __init__(
        self, pipeline: Pipeline, settings: ConsumerSettings, ends: Mapping[TopicPartition, int] | None = None
    ) -> None:
        self._pipeline = pipeline
        self._settings = settings
        self._ends = ends or {}
        self._member: Member | None = None
        self._fault = "not connected to Kafka yet"

    @property
    def outlook(self) -> Outlook | None:
        """What is to be expected of the whole group, as far as that is known."""
        return None if self._member is None else self._member.outlook

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
            contact = await persist(self._connect, self._settings, self._report)
            self._member = Member(contact, self._pipeline, self._settings, self._ends)
            try:
                await self._member.run()
            except (KafkaError, OSError, TimeoutError, DoubtError) as error:
                self._report(str(error) if isinstance(error, DoubtError) else unreachable(self._settings, error))
                log.warning("Beginning anew", reason=self._fault)
                self._member = None
                await leave(contact.consumer, CLOSE_LIMIT)  # what leaving the group may have left open
                await asyncio.sleep(REFUSED_BACKOFF if is_denial(error) else BACKOFF)
            finally:
                await contact.orders.stop()

    def _report(self, fault: str) -> None:
        self._fault = fault

    async def _connect(self) -> Contact:
        await ensure_topics([*self._pipeline.topics, CONTROL], self._settings)
        letter_limit = await largest_batch(DEAD_LETTERS, self._settings) or DEAD_LETTER_LIMIT
        orders = await started(Orders(self._settings))
        try:
            consumer = await started(self._consumer())
        except BaseException:
            await orders.stop()
            raise
        return Contact(consumer, orders, min(letter_limit, DEAD_LETTER_LIMIT))

    def _consumer(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
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
