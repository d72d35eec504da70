"""The pace of a replica: its share of the group's rate, which follows what operators say and what comes in."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from rollcall_consumer.runtime.group import Flow, Look, flows, look
from rollcall_consumer.runtime.orders import Orders
from rollcall_consumer.runtime.share import share_of
from rollcall_consumer.runtime.throttle import Throttle
from rollcall_consumer.settings import ConsumerSettings

log = structlog.get_logger()

INTERVAL = 1.0
"""Seconds between looks at the group."""

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
        flows: What happens to each index of partitions, as far as that is known.
    """

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        inputs: Sequence[TopicPartition],
        orders: Orders,
        settings: ConsumerSettings,
    ) -> None:
        self.throttle = Throttle()
        self.flows: Mapping[int, Flow] = {}
        self._consumer = consumer
        self._inputs = inputs
        self._orders = orders
        self._settings = settings
        self._held: Collection[int] = ()
        self._before: Look | None = None
        self._told: float | None = None

    @property
    def rate(self) -> float:
        """Records a second that the whole group may handle; 0 for as many as there are."""
        ordered = self._orders.control.rate
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
            await self._orders.read()
            await self._look()
            self._set()
            await asyncio.sleep(INTERVAL)

    async def _look(self) -> None:
        """Find out what happens to the partitions of the whole group; where Kafka does not say, nothing is known."""
        asking = asyncio.create_task(look(self._consumer, self._inputs))
        try:
            await asyncio.wait([asking], timeout=LOOK_LIMIT)
        finally:
            asking.cancel()
        if not asking.done() or asking.cancelled() or asking.exception():  # a lost connection cancels who waits for it
            self._before, self.flows = None, {}
            return
        before, self._before = self._before, asking.result()
        self.flows = {} if before is None else flows(before, self._before)

    def _set(self) -> None:
        rate = self.rate
        if rate != self._told:
            log.info("Set the rate of the group", per_second=rate or "any")
            self._told = rate
        if not rate:
            self.throttle.set(None)
        elif self._held:
            demands = {index: flow.demand for index, flow in self.flows.items()}
            self.throttle.set(share_of(self._held, rate, demands, self._settings.partitions))
