"""Watches a topic as a reader does who sees committed records alone: when does which record become visible?"""

import asyncio
import signal
from array import array
from time import monotonic

import msgspec
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from rollcall_dev.bench.children import obey, say_ready

_POLL_MS = 1000


class Job(msgspec.Struct):
    """What to watch, from its present end until so many keys were seen, or until SIGTERM.

    Attributes:
        bootstrap_servers: Where.
        topic: Where.
        partitions: How many the topic has.
        prefix: What the keys begin with that count; a number follows.
        keys: How many of them are waited for; 0 for no end.
    """

    bootstrap_servers: str
    topic: str
    partitions: int
    prefix: str
    keys: int = 0


class Seen(msgspec.Struct):
    """What has become visible, record by record.

    Attributes:
        numbers: The number in the key.
        partitions: Where it was.
        times: When, by the monotonic clock, which all processes share.
    """

    numbers: list[int]
    partitions: list[int]
    times: list[float]


async def watch(job: Job) -> Seen:
    """Watch until the end."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    numbers, partitions, times = array("l"), array("l"), array("d")
    keys: set[int] = set()
    prefix = job.prefix.encode()
    topic = [TopicPartition(job.topic, index) for index in range(job.partitions)]
    async with AIOKafkaConsumer(
        bootstrap_servers=job.bootstrap_servers, enable_auto_commit=False, isolation_level="read_committed"
    ) as consumer:
        consumer.assign(topic)
        await consumer.seek_to_end()
        for partition in topic:
            await consumer.position(partition)
        say_ready()
        while not stopping.is_set() and not 0 < job.keys <= len(keys):
            polled = await consumer.getmany(timeout_ms=_POLL_MS)
            now = monotonic()
            for partition, records in polled.items():
                found = [int(record.key[len(prefix) :]) for record in records if record.key.startswith(prefix)]
                numbers.extend(found)
                partitions.extend([partition.partition] * len(found))
                times.extend([now] * len(found))
                keys.update(found)
    return Seen(numbers.tolist(), partitions.tolist(), times.tolist())


if __name__ == "__main__":
    obey(Job, lambda job: uvloop.run(watch(job)))
