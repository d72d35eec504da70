"""A member of a consumer group: takes partitions and gives them back, and stays as long as it is asked to."""

import asyncio
import contextlib
from collections.abc import Collection, Mapping
from functools import partial
from time import monotonic
from typing import NamedTuple

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from rollcall_consumer.runtime.flow import inputs
from rollcall_consumer.runtime.lease import Lease, renew_by_heartbeats
from rollcall_consumer.runtime.orders import Orders
from rollcall_consumer.runtime.outlook import Outlook
from rollcall_consumer.runtime.pace import Pace
from rollcall_consumer.runtime.partition import PartitionTask
from rollcall_consumer.runtime.pipeline import Jobs, Pipeline, inputs_of
from rollcall_consumer.runtime.workplace import Workplace
from rollcall_consumer.settings import GenerationSettings
from rollcall_domain.control import Control
from rollcall_domain.errors import TopicMismatchError
from rollcall_domain.service.cause import Overheard, is_refusal
from rollcall_domain.service.closing import leave
from rollcall_domain.service.committed import committed, refuse_failed_fetches

log = structlog.get_logger()

SESSION_TIMEOUT = 6.0
"""Seconds without a heartbeat after which the group takes a replica for dead: the least that a broker allows."""

POLL = 1.0
"""Seconds between looks at the work."""

HEARTBEAT = 0.5
"""Seconds between heartbeats: it is by them that a replica learns that partitions move."""

REBALANCE_TIMEOUT = 30.0
"""Seconds that the group waits for a replica when partitions move."""

REVOKE_TIMEOUT = 25.0
"""Seconds of those to finish what is in hand and to commit it."""

LEAVE_TIMEOUT = 8.0
"""Seconds to finish and leave at the end: less than the ten that Docker gives."""

STUCK = 60.0
"""Seconds without progress after which the work is taken for dead."""

PULSE = 5.0
"""Seconds between looks at whether Kafka still answers, and for its answer."""

NOWHERE = TopicPartition("", 0)
"""A partition that no topic has."""


class Contact(NamedTuple):
    """The group, within reach.

    Attributes:
        consumer: A consumer that is to be a member.
        orders: What operators say.
        letter_limit: Bytes that a dead letter may have.
    """

    consumer: AIOKafkaConsumer
    orders: Orders
    letter_limit: int


class Member(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """A connected consumer, and its work in the group.

    Attributes:
        generation: The generation that it works on.
        tasks: The work on the partitions that it holds now.
    """

    def __init__(
        self,
        contact: Contact,
        pipeline: Pipeline,
        jobs: Jobs,
        settings: GenerationSettings,
        ends: Mapping[TopicPartition, int],
    ) -> None:
        self.tasks: list[PartitionTask] = []
        self._jobs = jobs
        consumer = self._consumer = contact.consumer
        self._orders = contact.orders
        self.generation = settings.generation
        self._settings = settings
        self._pace = Pace(consumer, inputs(pipeline, settings), contact.orders, settings)
        self._workplace = Workplace(
            pipeline.name,
            inputs_of(pipeline),
            pipeline.topics,
            settings,
            partial(committed, consumer),
            contact.letter_limit,
            self._pace.throttle,
            self._is_allowed,
            contact.orders.control,
            Lease(SESSION_TIMEOUT),
            ends,
        )
        self._assigned = False
        self._mismatch: TopicMismatchError | None = None
        self._leaving = False
        self._answers = True
        self._progress = monotonic()
        self._next_look = monotonic() + PULSE

    @property
    def outlook(self) -> Outlook | None:
        """What is to be expected of the whole group, as far as that is known."""
        return self._pace.outlook

    @property
    def faults(self) -> Mapping[int, str]:
        """Why partitions have stopped by themselves, for people, by their indexes."""
        return {task.index: f"partition {task.index}: {task.fault}" for task in self.tasks if task.fault is not None}

    def live(self) -> str | None:
        """Tell that there is no progress, or None."""
        still = monotonic() - self._progress
        return f"no progress for {still:.0f} s" if still > STUCK else None

    def ready(self) -> str | None:
        """Tell what is still to come before all is handled that was there on assignment, or None."""
        if self._leaving:
            return "shutting down"
        if not self._answers:
            return "Kafka does not answer"
        if not self._assigned:
            return "waiting for the group to assign partitions"
        if self.faults:
            return "; ".join(self.faults.values())
        behind = [str(task.index) for task in self.tasks if not task.job.caught_up]
        return f"catching up on partitions {', '.join(behind)}" if behind else None

    async def run(self) -> None:
        """Join the group, and stay until cancelled, or until it is to work on another generation, or on none.

        Raises:
            KafkaError: Kafka refuses this replica, or something has failed that is to be begun anew.
            SSLError: Kafka refuses this replica, or is not trusted any more.
            DoubtError: It is not known what has become of some work.
            TopicMismatchError: The inputs are not laid out alike.
        """
        place, settings = self._workplace, self._workplace.settings
        topics = [settings.topic_name(topic) for topic in place.reads]
        pacing = asyncio.create_task(self._pace.run(), name="pace")
        try:
            refuse_failed_fetches(self._consumer)
            renew_by_heartbeats(place.lease, self._consumer)
            self._consumer.subscribe(topics, listener=self)
            log.info("Running consumer", pipeline=place.name, group=settings.group_id, topic=topics[0])
            await self._stay(pacing)
        finally:
            pacing.cancel()
            await self._leave()

    async def _stay(self, pacing: asyncio.Task[None]) -> None:
        """Poll, also without partitions, and watch.

        aiokafka leaves the group when nobody polls, and tells of a group that is lost only those who do.
        """
        while True:
            self._progress = monotonic()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2 * POLL):  # a poll does not return during a rebalance
                    await self._consumer.getmany(NOWHERE, timeout_ms=int(POLL * 1000))
            for task in self.tasks:
                task.check()
            if pacing.done():
                pacing.result()
            if self._mismatch is not None:
                raise self._mismatch
            if not is_allowed(self._orders.control, self._settings):
                return
            if monotonic() > self._next_look:
                await self._look()

    async def _is_allowed(self) -> bool:
        await self._orders.catch_up(self._consumer)
        return is_allowed(self._orders.control, self._settings)

    async def _look(self) -> None:
        """Find out whether Kafka answers, and say so when that changes. A replica that it refuses is to leave."""
        cause = None
        with Overheard() as heard:
            try:
                async with asyncio.timeout(PULSE):
                    await self._consumer.topics()
            except (KafkaError, TimeoutError) as error:
                cause = heard.cause(error)
        if cause is not None and is_refusal(cause):
            raise cause
        answers = cause is None
        if answers != self._answers:
            log.warning("Kafka answers again" if answers else "Kafka does not answer")
        self._answers = answers
        self._next_look = monotonic() + PULSE

    async def _leave(self) -> None:
        self._leaving = True
        left = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_TIMEOUT):
                await self._stop_tasks(LEAVE_TIMEOUT / 2)
                left = await leave(self._consumer, LEAVE_TIMEOUT)
        if not left:
            log.warning("Kafka did not answer; the group will notice in a while", seconds=SESSION_TIMEOUT)

    async def _stop_tasks(self, grace: float) -> None:
        tasks, self.tasks = self.tasks, []
        await asyncio.gather(*(task.stop(grace) for task in tasks))

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Finish what is in hand; the group waits."""
        self._assigned = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REVOKE_TIMEOUT):
                await self._stop_tasks(REVOKE_TIMEOUT - 1)
        if revoked:
            log.info("Gave back partitions", partitions=_indexes(revoked))

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Begin to work on what the group has assigned."""
        self._consumer.pause(*assigned)  # who works on a partition reads it by themselves
        if self._leaving:
            return
        indexes = _indexes(assigned)
        self._workplace.lease.renew(monotonic())
        self._pace.hold(indexes)
        self._mismatch = self._find_mismatch(assigned)
        if self._mismatch is None:
            jobs = self._jobs.take(indexes, self._workplace)
            self.tasks = [PartitionTask(index, self._workplace, job) for index, job in jobs]
        self._assigned = True
        log.info("Took partitions", partitions=indexes)

    def _find_mismatch(self, assigned: Collection[TopicPartition]) -> TopicMismatchError | None:
        """Tell whether there are partitions that have no counterpart: they would never be handled."""
        settings = self._workplace.settings
        for partition in assigned:
            if partition.partition >= settings.partitions:
                return TopicMismatchError(partition.topic, settings.partitions, partition.partition + 1)
        return None


def is_allowed(control: Control, settings: GenerationSettings) -> bool:
    """Tell whether a replica with these settings is to work."""
    return (control.builds if settings.building else control.serves)(settings.generation)


def _indexes(partitions: Collection[TopicPartition]) -> list[int]:
    return sorted({partition.partition for partition in partitions})
