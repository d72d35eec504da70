"""The limit of bulk: aiokafka's `send_batch`, records made beforehand, one batch out per partition, no HTTP."""

import asyncio
import gc
from collections import defaultdict
from itertools import cycle
from time import perf_counter, process_time, time

import uvloop
from aiokafka import AIOKafkaProducer

from rollcall_dev.bench.children import obey
from rollcall_dev.bench.load import requests
from rollcall_dev.bench.load.result import Result
from rollcall_dev.bench.peers.job import Job
from rollcall_domain import codec
from rollcall_domain.events import State, StudentRecordUpdate
from rollcall_domain.partition import partition_for
from rollcall_domain.topics import PARTITIONS

_BATCH_LIMIT = 512 * 1024
_HEADERS = [("id", b"01234567-89ab-cdef-01")]
"""As the API's records have one, and as long."""

Record = tuple[bytes, bytes]
"""Key and value."""


def records() -> dict[int, list[Record]]:
    """Make records, by their partition."""
    made = defaultdict(list)
    for student_id in requests.student_ids(100_000):
        key = student_id.encode()
        value = codec.encode(StudentRecordUpdate(student_id, State.LoggedIn))
        made[partition_for(key, PARTITIONS)].append((key, value))
    return made


async def write(job: Job) -> Result:
    """Write as much as there is time for, to all partitions at once."""
    made = records()
    gc.collect()
    gc.freeze()
    async with AIOKafkaProducer(
        bootstrap_servers=job.bootstrap_servers, acks="all", enable_idempotence=True, max_batch_size=_BATCH_LIMIT
    ) as client:
        begin, cpu = perf_counter(), process_time()
        lanes = (_fill(client, job.topic, partition, made[partition], begin + job.seconds) for partition in made)
        written = sum(await asyncio.gather(*lanes))
        seconds, cpu = perf_counter() - begin, process_time() - cpu
    return Result(answers=0, seconds=seconds, p50=0, p99=0, cpu_seconds=cpu, accepted=written)


async def _fill(client: AIOKafkaProducer, topic: str, partition: int, made: list[Record], over: float) -> int:
    """Write to one partition.

    Returns:
        How many records were acknowledged.
    """
    written = 0
    endless = cycle(made)
    while perf_counter() < over:
        batch, timestamp = client.create_batch(), int(time() * 1000)
        for key, value in endless:
            if batch.append(timestamp=timestamp, key=key, value=value, headers=_HEADERS) is None:
                break
        count = batch.record_count()
        await (await client.send_batch(batch, topic, partition=partition))
        written += count
    return written


if __name__ == "__main__":
    obey(Job, lambda job: uvloop.run(write(job)))
