"""Alerts that come in at a steady rate."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from random import Random
from time import time

from aiokafka import AIOKafkaProducer

from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain import codec
from rollcall_domain.alert import Alert, alert
from rollcall_domain.partition import partition_for
from rollcall_domain.topics import ALERTS


class Alerts:
    """Alerts of some students, as the worker writes them.

    Args:
        settings: The consumer's settings.
        rate: How many a second.
        students: Of how many students.
        seed: Draws whom each is about.

    Attributes:
        written: All of them, in order.
    """

    def __init__(self, settings: ConsumerSettings, rate: float, students: int, seed: int) -> None:
        self.written: list[Alert] = []
        self._settings = settings
        self._rate = rate
        self._students = students
        self._random = Random(seed)  # noqa: S311 - to be drawn again
        self._writing: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def coming(self) -> AsyncIterator[None]:
        """Write alerts while the body runs, or until that is stopped."""
        servers = self._settings.bootstrap_servers
        async with AIOKafkaProducer(bootstrap_servers=servers, acks="all", linger_ms=20) as client:
            self._writing = asyncio.create_task(self._write(client))
            try:
                yield
            finally:
                await self.stop()

    async def stop(self) -> None:
        """Write no more."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.wait([self._writing])

    async def _write(self, client: AIOKafkaProducer) -> None:
        while True:
            student = f"s-{self._random.randrange(self._students)}"
            made = alert("many-logins", student, int(time() * 1000), str(len(self.written)), "5 logins in 10 minutes")
            key = student.encode()
            await client.send(
                self._settings.topic_name(ALERTS),
                codec.encode(made),
                key,
                partition_for(key, self._settings.partitions),
            )
            self.written.append(made)
            await asyncio.sleep(1 / self._rate)
