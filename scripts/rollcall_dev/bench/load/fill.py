"""Fills a topic with updates as the producer writes them, so that there is something to be read at once.

Pass by pass, each student has one update in each, in an order that is drawn anew: logs in, in the next one out.
"""

import asyncio
import random
from collections.abc import Iterator
from itertools import count
from math import ceil
from time import time

import msgspec
import uvloop
from aiokafka import AIOKafkaProducer

from rollcall_dev.bench.children import obey
from rollcall_domain import codec
from rollcall_domain.events import State, StudentRecordUpdate
from rollcall_domain.headers import ID
from rollcall_domain.partition import partition_for
from rollcall_domain.service.records import Records
from rollcall_producer.ids import ids

PACE = 120.0
"""Seconds between two updates of a student: so seldom that nobody logs in too often."""

_BATCH = 500_000
"""Bytes of a batch."""

_SEED = 1


class Job(msgspec.Struct):
    """What to write.

    Attributes:
        bootstrap_servers: Where to.
        topic: Where to.
        partitions: How many the topic has.
        students: About how many.
        events: How many updates at the least; the last pass is a whole one.
    """

    bootstrap_servers: str
    topic: str
    partitions: int
    students: int
    events: int


class Filled(msgspec.Struct):
    """What is written.

    Attributes:
        known: Offset of each partition from which on no student is new.
        ends: Offset of each partition at which it ends.
    """

    known: list[int]
    ends: list[int]


class _Lane:
    """The records of one partition, with one batch on its way and one that is being filled."""

    def __init__(self, client: AIOKafkaProducer, topic: str, partition: int) -> None:
        self.written = 0
        self._client = client
        self._place = (topic, partition)
        self._batch = Records(_BATCH)
        self._delivery: asyncio.Future[object] | None = None

    async def add(self, at: int, key: bytes, value: bytes, identity: bytes) -> None:
        headers = [(ID, identity)]
        if self._batch.append(at, key, value, headers) is None:
            await self.flush()
            self._batch.append(at, key, value, headers)
        self.written += 1

    async def flush(self) -> None:
        await self.settle()
        batch, self._batch = self._batch, Records(_BATCH)
        batch.close()
        topic, partition = self._place
        self._delivery = await self._client.send_batch(batch, topic, partition=partition)

    async def settle(self) -> None:
        if self._delivery is not None:
            await self._delivery


def student_id(number: int) -> str:
    """Name a student."""
    return f"s-{number}"


def updates(job: Job) -> Iterator[tuple[int, int, bytes, bytes]]:
    """Give partition, time in milliseconds, key and value of each, the last one of now."""
    names = [student_id(number) for number in range(job.students)]
    keys = [name.encode() for name in names]
    places = [partition_for(key, job.partitions) for key in keys]
    values = [[codec.encode(StudentRecordUpdate(name, state)) for name in names] for state in State]
    draw = random.Random(_SEED)  # noqa: S311 - the same again
    turns, order = ceil(job.events / job.students), list(range(job.students))
    step = PACE * 1000 / job.students
    moments = count(int(time() * 1000) - turns * PACE * 1000, step)
    for turn in range(turns):
        draw.shuffle(order)
        written = values[turn % len(values)]
        for number, moment in zip(order, moments, strict=False):
            yield places[number], int(moment), keys[number], written[number]


async def fill(job: Job) -> Filled:
    """Write all of it."""
    async with AIOKafkaProducer(
        bootstrap_servers=job.bootstrap_servers, acks="all", enable_idempotence=True, max_request_size=2 * _BATCH
    ) as client:
        lanes = [_Lane(client, job.topic, partition) for partition in range(job.partitions)]
        known: list[int] = []
        for number, ((partition, at, key, value), identity) in enumerate(zip(updates(job), ids(), strict=False)):
            if number == job.students:
                known = [lane.written for lane in lanes]
            await lanes[partition].add(at, key, value, identity)
        for lane in lanes:
            await lane.flush()
            await lane.settle()
    ends = [lane.written for lane in lanes]
    return Filled(known or ends, ends)


if __name__ == "__main__":
    obey(Job, lambda job: uvloop.run(fill(job)))
