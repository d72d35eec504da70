"""The pace of a replica: its share of the group's rate, which follows what operators say and what comes in."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from time import process_time

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from rollcall_consumer.runtime.flow import Flow, flows
from rollcall_consumer.runtime.orders import Orders
from rollcall_consumer.runtime.outlook import Outlook, look_ahead
from rollcall_consumer.runtime.share import share_of
from rollcall_consumer.runtime.throttle import Throttle
from rollcall_consumer.settings import GenerationSettings
from rollcall_domain.service.group import Look, look

log = structlog.get_logger()

INTERVAL = 1.0
"""Seconds between looks at the group."""

AT_LIMIT = 0.9
"""A group that handles such a part of its rate is held up by that, and not by a lack of replicas."""

LOOK_LIMIT = 5.0
"""Seconds for Kafka to answer; it does not while partitions move."""


class Pace:
    """Sets how fast a replica may go.

    Args:
        consumer: Knows the group.
        inputs: All partitions that the group reads.
        orders: What operators say.
        settings: The service's settings.

    Attributes:
        throttle: Is set.
        outlook: What is to be expected of the whole group, as far as that is known.
    """

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        inputs: Sequence[TopicPartition],
        orders: Orders,
        settings: GenerationSettings,
    ) -> None:
        self.throttle = Throttle()
        self.outlook: Outlook | None = None
        self._flows: Mapping[int, Flow] = {}
        self._consumer = consumer
        self._inputs = inputs
        self._orders = orders
        self._settings = settings
        self._held: Collection[int] = ()
        self._before: Look | None = None
        self._told: float | None = None
        self._cpu = process_time()

    @property
    def rate(self) -> float:
        """Records a second that the whole group may handle; 0 for as many as there are."""
        ordered = None if self._settings.building else self._orders.control.rate
        return self._settings.rate if ordered is None else ordered

    def hold(self, indexes: Collection[int]) -> None:
        """Hear which partitions this replica holds from now on."""
        self._held = indexes
        self._set()

    async def run(self) -> None:
        """Follow what operators say and what comes in, until cancelled.

        Raises:
            KafkaError: Kafka refuses the topic of orders.
        """
        while True:
            await self._look()
            self._set()
            self._look_ahead()
            await self._orders.read(INTERVAL)

    async def _look(self) -> None:
        """Find out what happens to the partitions of the whole group; where Kafka does not say, nothing is known."""
        asking = asyncio.create_task(look(self._consumer, self._inputs))
        try:
            await asyncio.wait([asking], timeout=LOOK_LIMIT)
        finally:
            asking.cancel()
        if not asking.done() or asking.cancelled() or asking.exception():  # a lost connection cancels who waits for it
            self._before, self._flows = None, {}
            return
        before, self._before = self._before, asking.result()
        self._flows = {} if before is None else flows(before, self._before)

    def _set(self) -> None:
        rate = self.rate
        if rate != self._told:
            log.info("Set the rate of the group", per_second=rate or "any")
            self._told = rate
        if not rate:
            self.throttle.set(None)
        elif self._held:
            demands = {index: flow.demand for index, flow in self._flows.items()}
            self.throttle.set(share_of(self._held, rate, demands, self._settings.partitions))

    def _look_ahead(self) -> None:
        now = process_time()
        busy, self._cpu = now - self._cpu, now
        if not self._flows:
            self.outlook = None
            return
        handled = sum(self._flows[index].handled for index in self._held if index in self._flows)
        seconds = next(iter(self._flows.values())).seconds
        at_limit = bool(self.rate) and sum(flow.handled for flow in self._flows.values()) >= AT_LIMIT * self.rate
        speed = handled * seconds / busy if busy and not at_limit else 0.0
        self.outlook = look_ahead(self._flows, speed, self._settings.catch_up_seconds)
