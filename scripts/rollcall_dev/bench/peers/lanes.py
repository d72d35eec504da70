"""The limit of effects: a lane for each key, and nothing that is promised of any record."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from rollcall_dev.bench.load.chores import Chore, Log, read
from rollcall_dev.bench.peers.handling import Handling, Job, compete
from rollcall_dev.bench.peers.reader import standing

_SLICE = 500
"""Records that are taken at a time: of more, none would be handled before all are decoded."""


class Lanes:
    """Values by their keys, and so many tasks that take one key after the other."""

    def __init__(self, tasks: asyncio.TaskGroup, limit: int, handle: Callable[[Chore], Awaitable[None]]) -> None:
        self._tasks = tasks
        self._spare = limit
        self._handle = handle
        self._lanes: dict[bytes, deque[bytes]] = {}
        self._ready: deque[bytes] = deque()

    def take(self, key: bytes, value: bytes) -> None:
        """Take a value in."""
        lane = self._lanes.get(key)
        if lane is not None:
            lane.append(value)
            return
        self._lanes[key] = deque([value])
        self._ready.append(key)
        if self._spare:
            self._spare -= 1
            self._tasks.create_task(self._work())

    async def _work(self) -> None:
        while self._ready:
            key = self._ready.popleft()
            lane = self._lanes[key]
            while lane:
                await self._handle(read(lane.popleft()))
            del self._lanes[key]
        self._spare += 1


async def handle(job: Job, log: Log, handling: Handling) -> None:
    """Handle all of a log."""
    async with standing(job.bootstrap_servers, log) as consumer, asyncio.TaskGroup() as tasks:
        lanes = Lanes(tasks, job.lanes, handling.handle)
        handling.begin()
        consumer.resume(log.partition)
        left = log.records
        while left:
            for record in (await consumer.getmany(timeout_ms=1000, max_records=_SLICE)).get(log.partition, ()):
                lanes.take(record.key, record.value)
                left -= 1
            await asyncio.sleep(0)


if __name__ == "__main__":
    compete(handle)
