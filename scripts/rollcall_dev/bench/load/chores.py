"""Fills a topic with chores: records that take a moment each to handle, those of all keys in turns."""

import asyncio
import random
import struct
from typing import NamedTuple

import msgspec
import uvloop
from aiokafka import AIOKafkaProducer, TopicPartition

from rollcall_dev.bench.children import obey

LONGEST = 0.005
"""Seconds that a chore takes at the most; they are spread evenly from 0 on."""

_SEED = 1
_FORM = struct.Struct("<IId")


class Chore(NamedTuple):
    """Something to be done.

    Attributes:
        key: The number of its key.
        number: Which it is of all.
        seconds: How long it takes.
    """

    key: int
    number: int
    seconds: float


class Log(msgspec.Struct):
    """A topic with one partition full of chores.

    Attributes:
        topic: The topic's full name.
        prefix: What that begins with.
        keys: How many keys they have.
        records: How many there are.
    """

    topic: str
    prefix: str
    keys: int
    records: int

    @property
    def partition(self) -> TopicPartition:
        """Where they lie."""
        return TopicPartition(self.topic, 0)


class Job(msgspec.Struct):
    """Where to write what."""

    bootstrap_servers: str
    log: Log


def read(value: bytes) -> Chore:
    """Read a chore."""
    return Chore._make(_FORM.unpack(value))


async def fill(job: Job) -> None:
    """Write all of them."""
    log, draw = job.log, random.Random(_SEED)  # noqa: S311 - the same again
    async with AIOKafkaProducer(bootstrap_servers=job.bootstrap_servers, acks="all") as client:
        deliveries = []
        for number in range(log.records):
            key = number % log.keys
            value = _FORM.pack(key, number, draw.uniform(0, LONGEST))
            deliveries.append(await client.send(log.topic, value, b"%d" % key, partition=log.partition.partition))
        await asyncio.gather(*deliveries)


if __name__ == "__main__":
    obey(Job, lambda job: uvloop.run(fill(job)))
