"""A consumer group as it is seen from outside: how far it has come, and at what expense; the broker tells."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from rollcall_dev.bench import machine
from rollcall_dev.bench.errors import BenchError

INTERVAL = 0.1
"""Seconds between looks."""

STALL = 30.0
"""Seconds without progress after which it is given up."""


@dataclass(frozen=True)
class Sample:
    """What was seen at a moment.

    Attributes:
        time: When, in seconds.
        cpu: CPU time that the replicas had taken, in seconds.
        positions: The offset that is committed of each partition.
        settled: Whether all replicas were at work.
    """

    time: float
    cpu: float
    positions: Sequence[int]
    settled: bool

    def reached(self, marks: Sequence[int]) -> Iterator[bool]:
        """Tell of each partition whether it has come as far as a mark."""
        return (position >= mark for position, mark in zip(self.positions, marks, strict=True))


@dataclass(frozen=True)
class Speed:
    """How fast records are handled.

    Attributes:
        rate: Records a second.
        cpu_us: Microseconds of CPU time for each.
    """

    rate: float
    cpu_us: float


def speed(samples: Sequence[Sample], begins: Sequence[int], ends: Sequence[int]) -> Speed:
    """Find out how fast a group is while it has its hands full.

    Args:
        samples: What was seen, from the start of the group to the last record.
        begins: Offset of each partition from which on it counts.
        ends: Offset of each partition at which it ends.
    """
    settled = next((sample for sample in samples if sample.settled), samples[-1])
    full = [
        sample
        for sample in samples
        if all(sample.reached(begins))
        and not any(sample.reached(ends))
        and all(position > before for position, before in zip(sample.positions, settled.positions, strict=True))
    ]
    first, last = (full[0], full[-1]) if len(full) > 1 else (samples[0], samples[-1])
    records = sum(last.positions) - sum(first.positions)
    return Speed(records / (last.time - first.time), (last.cpu - first.cpu) / records * 1e6)


class Group:
    """A group and the partitions of the one topic that it reads.

    Args:
        bootstrap_servers: Where Kafka is.
        group: The group's full name.
        topic: The topic's full name.
        partitions: How many it has.
    """

    def __init__(self, bootstrap_servers: str, group: str, topic: str, partitions: int) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._group = group
        self._partitions = [TopicPartition(topic, index) for index in range(partitions)]

    def follow(self, pids: Sequence[int], ends: Sequence[int], settled: Callable[[], bool]) -> list[Sample]:
        """Look again and again, until it has come to the end.

        Args:
            pids: The replicas' processes.
            ends: Offset of each partition at which it ends.
            settled: Whether all replicas are at work; raises an error once they aren't any more.

        Raises:
            BenchError: It makes no progress.
        """
        return asyncio.run(self._follow(pids, ends, settled))

    async def _follow(self, pids: Sequence[int], ends: Sequence[int], settled: Callable[[], bool]) -> list[Sample]:
        samples: list[Sample] = []
        progress = time.monotonic()
        async with _Admin(self._bootstrap_servers) as admin:
            while not samples or not all(samples[-1].reached(ends)):
                positions = await admin.committed(self._group, self._partitions)
                now, cpu = time.monotonic(), sum(map(machine.cpu_seconds, pids))
                if samples and positions != samples[-1].positions:
                    progress = now
                if now - progress > STALL:
                    raise BenchError(f"group {self._group} makes no progress, at {positions} of {ends}")
                samples.append(Sample(now, cpu, positions, settled()))
                await asyncio.sleep(INTERVAL)
        return samples

    def position(self) -> int:
        """Tell how many records it has handled so far."""

        async def ask() -> int:
            async with _Admin(self._bootstrap_servers) as admin:
                return sum(await admin.committed(self._group, self._partitions))

        return asyncio.run(ask())


@contextlib.contextmanager
def deleting(bootstrap_servers: str, topics: Sequence[str]) -> Iterator[None]:
    """Delete topics after the body, so that they don't fill the disk."""

    async def delete() -> None:
        async with _Admin(bootstrap_servers) as admin:
            await admin.delete(topics)

    try:
        yield
    finally:
        asyncio.run(delete())


class _Admin:
    def __init__(self, bootstrap_servers: str) -> None:
        self._client = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)

    async def __aenter__(self) -> Self:
        await self._client.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def committed(self, group: str, partitions: Sequence[TopicPartition]) -> list[int]:
        """Give the offset of each partition, 0 where nothing is committed."""
        while True:
            with contextlib.suppress(GroupCoordinatorNotAvailableError):
                coordinator = await self._client.find_coordinator(group)
                offsets = await self._client.list_consumer_group_offsets(group, coordinator, partitions)
                # One that is not the coordinator yet may give fewer, without calling that an error.
                if offsets.keys() == set(partitions):
                    return [max(0, offsets[partition].offset) for partition in partitions]
            await asyncio.sleep(INTERVAL)

    async def delete(self, topics: Sequence[str]) -> None:
        """Delete those of the topics that there are."""
        existing = set(await self._client.list_topics())
        await self._client.delete_topics([topic for topic in topics if topic in existing])
