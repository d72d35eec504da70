"""How far the group has come whose work the view shows: what is handled, since when it lags, when it last committed."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from time import time

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from rollcall_domain.service.cause import explain
from rollcall_domain.service.committed import committed
from rollcall_domain.service.group import Look, look, observing
from rollcall_domain.topics import INBOX, STUDENT
from rollcall_producer.errors import UnreadableViewError
from rollcall_producer.settings import ProducerSettings
from rollcall_producer.views.view import View

log = structlog.get_logger()

PULSE = 1.0
"""Seconds between looks."""

REMEMBERED = 3600
"""Looks that are remembered: nothing is known to be older than the oldest of them."""

Sample = tuple[float, Mapping[TopicPartition, int]]
"""A time in seconds since 1970, and where partitions ended then."""


class Group:
    """The group, as Kafka knows it.

    Args:
        settings: The service's settings.
        view: Tells which generation serves.

    Attributes:
        generation: The generation that it works on; None before the first look.
        lag: Records that are not handled; None before the first look.
        last_commit: When it was last seen to have come further, in seconds since 1970; None before the first time.
    """

    def __init__(self, settings: ProducerSettings, view: View) -> None:
        self.generation: int | None = None
        self.lag: int | None = None
        self.last_commit: float | None = None
        self._settings = settings
        self._view = view
        self._look: Look | None = None
        self._samples: deque[Sample] = deque(maxlen=REMEMBERED)
        self._consumer: AIOKafkaConsumer | None = None

    def lag_seconds(self) -> float | None:
        """Tell for how long a record is known to wait that is not handled; None before the first look."""
        if self._look is None:
            return None
        looked = self._look
        waiting = [partition for partition in looked.ends if looked.lag(partition)]
        since = next((at for at, ends in self._samples if any(ends[p] > looked.done[p] for p in waiting)), None)
        return 0.0 if since is None else time() - since

    async def has_handled(self, partition: int, offset: int) -> bool:
        """Tell whether the group is done with a record of the topic Student.

        Raises:
            KafkaError: Kafka can't be reached, or refuses.
        """
        if self._consumer is None:
            return False
        there = TopicPartition(self._settings.topic_name(STUDENT), partition)
        noted = await committed(self._consumer, [there])
        return there in noted and noted[there].offset > offset

    async def ends(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Find out where partitions end, with what is not committed yet.

        Raises:
            KafkaError: Kafka can't be reached, or refuses.
        """
        assert self._consumer is not None  # noqa: S101 - something was handled
        ends: dict[TopicPartition, int] = await self._consumer.end_offsets(partitions)
        return ends

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self._follow()
            except (KafkaError, OSError, TimeoutError) as error:
                log.debug("The group can't be seen", reason=explain(error))
            self._consumer = self._look = self.lag = None
            await asyncio.sleep(PULSE)

    async def _follow(self) -> None:
        """Look, until another generation serves."""
        generation = await self._generation()
        names = self._settings.names(generation)
        partitions = [
            TopicPartition(names.topic_name(topic), index)
            for topic in (STUDENT, INBOX)
            for index in range(self._settings.partitions)
        ]
        self._samples.clear()
        async with observing(self._settings, names.group_id, isolation="read_uncommitted") as consumer:
            self._consumer, self.generation = consumer, generation
            while await self._generation() == generation:
                self._take(await look(consumer, partitions))
                await asyncio.sleep(PULSE)

    async def _generation(self) -> int:
        while True:
            try:
                return await self._view.read(lambda snapshot: snapshot.generation)
            except UnreadableViewError:
                await self._view.changed()

    def _take(self, looked: Look) -> None:
        if self._look is not None and any(looked.done[p] > self._look.done.get(p, 0) for p in looked.done):
            self.last_commit = time()
        self._look, self.lag = looked, looked.total
        self._samples.append((time(), looked.ends))
