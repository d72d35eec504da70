"""A reader of students' records who follows from one generation to the next."""

import asyncio
from time import monotonic
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from rollcall_consumer.runtime.orders import Orders
from rollcall_consumer.settings import ConsumerSettings, of_generation
from rollcall_domain.control import Step
from rollcall_domain.topics import STATE


class Follower:
    """Holds the latest record of each student, all the while.

    Args:
        settings: The consumer's settings.

    Attributes:
        generation: The generation that it reads.
        step: How far another one has come that is built.
        went_back: Students whose record was an earlier one than the one before.
        missing: Students of whom there was no record any more.
        longest: Seconds that were the longest without any news.
        switch_seconds: Seconds from the order to having all of the new generation.
    """

    def __init__(self, settings: ConsumerSettings) -> None:
        self.generation = 0
        self.step: Step | None = None
        self.went_back: set[str] = set()
        self.missing: set[str] = set()
        self.longest = 0.0
        self.switch_seconds = 0.0
        self._settings = settings
        self._records: dict[str, int] = {}

    async def run(self) -> None:
        """Read until cancelled."""
        orders = Orders(self._settings)
        await orders.start()
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._settings.bootstrap_servers,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        await consumer.start()
        try:
            await self._follow(orders, consumer)
        finally:
            await consumer.stop()
            await orders.stop()

    async def told(self, step: Step) -> None:
        """Wait until it has seen a step, or a generation has taken over."""
        begun = self.generation
        while self.step is not step and self.generation == begun:  # noqa: ASYNC110 - it is told by a log
            await asyncio.sleep(0.01)

    async def _follow(self, orders: Orders, consumer: AIOKafkaConsumer) -> None:
        heard = monotonic()
        while True:
            await orders.read(0)
            self.step = orders.control.step
            if orders.control.generation != self.generation:
                await self._switch(orders.control.generation, consumer)
            if news := await self._read(consumer):
                self._take(news)
                self.longest, heard = max(self.longest, monotonic() - heard), monotonic()

    async def _switch(self, generation: int, consumer: AIOKafkaConsumer) -> None:
        """Read all of another generation, and only then let go of the one before."""
        begun = monotonic()
        name = of_generation(self._settings, generation).topic_name(STATE)
        partitions = [TopicPartition(name, index) for index in range(self._settings.partitions)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        records: dict[str, int] = {}
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            records |= await self._read(consumer)
        self.missing |= self._records.keys() - records.keys()
        self._take(records)
        self.generation, self.switch_seconds = generation, monotonic() - begun

    async def _read(self, consumer: AIOKafkaConsumer) -> dict[str, int]:
        polled = await consumer.getmany(timeout_ms=50)
        values: list[Any] = [
            msgspec.json.decode(record.value) for records in polled.values() for record in records if record.value
        ]
        await asyncio.sleep(0)
        return {value["StudentId"]: value.get("Version", -1) for value in values}

    def _take(self, news: dict[str, int]) -> None:
        self.went_back |= {student for student, version in news.items() if version < self._records.get(student, -1)}
        self._records |= news
