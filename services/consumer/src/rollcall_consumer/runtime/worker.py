"""A replica of a pipeline as a whole: connected to Kafka sooner or later, and then a member of its group."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from functools import partial
from time import monotonic

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError
from prometheus_client.core import GaugeMetricFamily

from rollcall_consumer.errors import DoubtError
from rollcall_consumer.runtime.member import HEARTBEAT, REBALANCE_TIMEOUT, SESSION_TIMEOUT, Contact, Member, is_allowed
from rollcall_consumer.runtime.orders import Orders, opened
from rollcall_consumer.runtime.outlook import Outlook
from rollcall_consumer.runtime.partition import PartitionTask
from rollcall_consumer.runtime.pipeline import Jobs, Pipeline
from rollcall_consumer.settings import ConsumerSettings, GenerationSettings, of_generation
from rollcall_domain.control import SetGeneration, Step
from rollcall_domain.service.cause import is_denial
from rollcall_domain.service.closing import leave
from rollcall_domain.service.connection import REFUSED_BACKOFF, client_options, persist, started, unreachable
from rollcall_domain.service.provision import ensure_topics, largest_batch
from rollcall_domain.topics import DEAD_LETTER_LIMIT, DEAD_LETTERS

log = structlog.get_logger()

BACKOFF = 0.5
"""Seconds before all is begun anew."""

HOLD_LIMIT = 30.0
"""Seconds after which a replica does not wait any more for another generation to take over."""

CLOSE_LIMIT = 2.0
"""Seconds for a consumer to close that Kafka refuses."""


class Worker:
    """A replica of a pipeline; see `engaged`.

    Args:
        pipeline: The pipeline.
        settings: The settings with which it names its group and its topics.
        jobs: What is done.
        ends: The offset at which work on a partition is to end, where it is to.
    """

    def __init__(
        self, pipeline: Pipeline, settings: ConsumerSettings, jobs: Jobs, ends: Mapping[TopicPartition, int]
    ) -> None:
        self._pipeline = pipeline
        self._settings = settings
        self._jobs = jobs
        self._ends = ends
        self._member: Member | None = None
        self._fault = "not connected to Kafka yet"

    @property
    def generation(self) -> int | None:
        """The generation that it works on now, if it does."""
        return None if self._member is None else self._member.generation

    @property
    def outlook(self) -> Outlook | None:
        """What is to be expected of the whole group, as far as that is known."""
        return None if self._member is None else self._member.outlook

    @property
    def tasks(self) -> Collection[PartitionTask]:
        """The work on the partitions that this replica holds now."""
        return () if self._member is None else self._member.tasks

    @property
    def faults(self) -> Mapping[int, str]:
        """Why partitions have stopped by themselves, for people, by their indexes."""
        return {} if self._member is None else self._member.faults

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Measure what there is to be known of its work beside lag."""
        return self._jobs.collect()

    def live(self) -> str | None:
        """Tell that the work makes no progress, or None. That Kafka is away is no lack of it."""
        return None if self._member is None else self._member.live()

    def ready(self) -> str | None:
        """Tell what is still to come before this replica is up to date, or None."""
        return self._fault if self._member is None else self._member.ready()

    async def run(self) -> None:
        """Consume until cancelled; then finish what is in hand, and leave the group at once.

        Whatever fails on the way, and be it that nobody knows what has become of some work, all is begun anew: from
        what is committed, by who is then a member of the group. When another generation takes over, this replica goes
        on with that one; one that builds a generation ends when that is to be built no longer.

        Raises:
            TopicMismatchError: A topic is not laid out as declared.
        """
        while True:
            orders = await persist(partial(opened, self._settings), self._settings, self._report)
            try:
                return await self._work_as_told(orders)
            except (KafkaError, OSError, TimeoutError, DoubtError) as error:
                self._report(str(error) if isinstance(error, DoubtError) else unreachable(self._settings, error))
                log.warning("Beginning anew", reason=self._fault)
                await asyncio.sleep(REFUSED_BACKOFF if is_denial(error) else BACKOFF)
            finally:
                await orders.stop()

    async def _work_as_told(self, orders: Orders) -> None:
        """Work on one generation after the other."""
        while (settings := await self._find_generation(orders)) is not None:
            await self._work(orders, settings)

    async def _find_generation(self, orders: Orders) -> GenerationSettings | None:
        """Find out which generation is to be worked on, once one is; None if ours is over."""
        given = self._settings
        if isinstance(given, GenerationSettings):
            return given if is_allowed(orders.control, given) else None
        begun, control = monotonic(), orders.control
        while control.held:
            self._report(f"generation {control.building} is about to take over")
            await orders.read(1.0)
            if monotonic() - begun > HOLD_LIMIT and control.building is not None:
                log.warning("Nobody has let another generation take over; going on", generation=control.building)
                await orders.give(SetGeneration(control.building, Step.ABANDON))
        return of_generation(given, control.generation)

    async def _work(self, orders: Orders, settings: GenerationSettings) -> None:
        """Work on a generation for as long as it is that one's turn."""
        contact = await persist(partial(self._connect, orders, settings), self._settings, self._report)
        self._member = Member(contact, self._pipeline, self._jobs, settings, self._ends)
        try:
            await self._member.run()
        finally:
            self._member = None
            await leave(contact.consumer, CLOSE_LIMIT)  # what leaving the group may have left open

    def _report(self, fault: str) -> None:
        self._fault = fault

    async def _connect(self, orders: Orders, settings: GenerationSettings) -> Contact:
        await ensure_topics(self._pipeline.topics, settings)
        letter_limit = await largest_batch(DEAD_LETTERS, settings) or DEAD_LETTER_LIMIT
        consumer = await started(self._consumer(settings))
        return Contact(consumer, orders, min(letter_limit, DEAD_LETTER_LIMIT))

    def _consumer(self, settings: GenerationSettings) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            **client_options(settings, f"rollcall-{self._pipeline.name}"),
            group_id=settings.group_id,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            partition_assignment_strategy=(RangePartitionAssignor,),
            session_timeout_ms=int(SESSION_TIMEOUT * 1000),
            heartbeat_interval_ms=int(HEARTBEAT * 1000),
            rebalance_timeout_ms=int(REBALANCE_TIMEOUT * 1000),
        )


@contextlib.asynccontextmanager
async def engaged(
    pipeline: Pipeline, settings: ConsumerSettings, ends: Mapping[TopicPartition, int] | None = None
) -> AsyncIterator[Worker]:
    """Have a replica of a pipeline, with what its work takes, while the body runs.

    Args:
        pipeline: The pipeline.
        settings: The service's settings; those of a generation if it is to build that one.
        ends: The offset at which work on a partition is to end, where it is to; the replica stays in the group. An end
            that is moved on in there is followed.

    Raises:
        ConfigurationError: The settings do not say all that its work takes.
    """
    own = settings if isinstance(settings, GenerationSettings) else pipeline.settings(settings)
    async with pipeline.engaged(own) as jobs:
        yield Worker(pipeline, own, jobs, {} if ends is None else ends)
