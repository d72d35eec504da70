"""The limit of one update's latency: `send_and_wait` in a loop, without HTTP."""

from array import array
from time import perf_counter, process_time

import uvloop
from aiokafka import AIOKafkaProducer

from rollcall_dev.bench.children import obey
from rollcall_dev.bench.load import requests
from rollcall_dev.bench.load.result import Result, percentile
from rollcall_dev.bench.peers.job import Job
from rollcall_domain import codec
from rollcall_domain.events import State, StudentRecordUpdate


async def write(job: Job) -> Result:
    """Write one update after the other."""
    updates = [StudentRecordUpdate(student_id, State.LoggedIn) for student_id in requests.student_ids(10_000)]
    latencies = array("d")
    async with AIOKafkaProducer(bootstrap_servers=job.bootstrap_servers, acks="all", enable_idempotence=True) as client:
        begin, cpu = perf_counter(), process_time()
        while (before := perf_counter()) < begin + job.seconds:
            update = updates[len(latencies) % len(updates)]
            await client.send_and_wait(job.topic, codec.encode(update), key=update.student_id.encode())
            latencies.append(perf_counter() - before)
        seconds, cpu = perf_counter() - begin, process_time() - cpu
    ascending = sorted(latencies)
    return Result(
        answers=len(ascending),
        seconds=seconds,
        p50=percentile(ascending, 50),
        p99=percentile(ascending, 99),
        cpu_seconds=cpu,
        accepted=len(ascending),
    )


if __name__ == "__main__":
    obey(Job, lambda job: uvloop.run(write(job)))
