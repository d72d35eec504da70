"""The limit of a fold: aiokafka's `getmany` in a loop, and nothing done with what it gives."""

import gc
from collections.abc import Iterable
from time import perf_counter, process_time

import msgspec
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from rollcall_dev.bench.children import obey

_POLL_MS = 1000


class Job(msgspec.Struct):
    """What to read.

    Attributes:
        bootstrap_servers: Where.
        topic: Where.
        begins: Offset of each partition from which on it counts.
        ends: Offset of each partition at which it ends.
    """

    bootstrap_servers: str
    topic: str
    begins: list[int]
    ends: list[int]


class Read(msgspec.Struct):
    """What was read, from when all partitions counted to when one had ended."""

    records: int
    seconds: float
    cpu_seconds: float


async def read(job: Job) -> Read:
    """Read all of it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)  # as the worker has it
    partitions = [TopicPartition(job.topic, index) for index in range(len(job.ends))]
    async with AIOKafkaConsumer(
        bootstrap_servers=job.bootstrap_servers,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    ) as consumer:
        consumer.assign(partitions)
        positions = dict.fromkeys(partitions, 0)
        start = begin = end = (0, perf_counter(), process_time())
        begun = False
        while not all(_reached(positions.values(), job.ends)):
            for partition, records in (await consumer.getmany(timeout_ms=_POLL_MS)).items():
                positions[partition] += len(records)
            now = (sum(positions.values()), perf_counter(), process_time())
            if not begun and all(_reached(positions.values(), job.begins)):
                begin, begun = now, True
            if not any(_reached(positions.values(), job.ends)):
                end = now
        if end[0] <= begin[0]:  # so few that they came at once
            begin, end = start, now
    return Read(end[0] - begin[0], end[1] - begin[1], end[2] - begin[2])


def _reached(positions: Iterable[int], marks: Iterable[int]) -> list[bool]:
    return [position >= mark for position, mark in zip(positions, marks, strict=True)]


if __name__ == "__main__":
    obey(Job, lambda job: uvloop.run(read(job)))
