"""Open loop: requests begin at a rate of their own, however long the answers take.

Each takes a connection that is free, or a new one, up to a limit. Beyond that limit a request is not offered at all.
"""

import asyncio
from collections.abc import Iterator
from itertools import cycle
from time import perf_counter
from typing import cast

import msgspec
import uvloop

from rollcall_dev.bench.children import obey
from rollcall_dev.bench.errors import BenchError
from rollcall_dev.bench.load import requests
from rollcall_dev.bench.load.phases import Current, Phase, Seen
from rollcall_dev.bench.load.scanner import Scanner

_TICK = 0.001
"""Seconds between looks at which requests are due."""

_IDLE_LIMIT = 3.0
"""Seconds after which a free connection is not used again: the server may be about to close it."""


class Job(msgspec.Struct):
    """What to send.

    Attributes:
        host: Where to.
        port: Where to.
        connections: How many at the most.
        phases: What comes after what.
        patience: Seconds to wait for the last answers.
    """

    host: str
    port: int
    connections: int
    phases: list[Phase]
    patience: float


class Pool:
    """Connections, free and taken.

    Args:
        job: What to send.
        payloads: The requests, each taken as it is sent; by default, updates of students at random.
    """

    def __init__(self, job: Job, payloads: Iterator[bytes] | None = None) -> None:
        self._job = job
        self._payloads: Iterator[bytes] = payloads or cycle(requests.puts())
        self._connecting: set[asyncio.Task[None]] = set()
        self._open: set[Caller] = set()
        self._free: list[Caller] = []

    async def run(self) -> list[Seen]:
        """Go through all phases, and wait for the last answers."""
        phases = []
        for phase in self._job.phases:
            current = Current(phase, perf_counter())
            phases.append(current)
            while (now := perf_counter()) < current.end:
                self._close_idle(now)
                self._begin_due(current, now)
                await asyncio.sleep(_TICK)
        await self._finish(phases, perf_counter() + self._job.patience)
        await self._close()
        return [current.seen(self._job.patience) for current in phases]

    async def _finish(self, phases: list[Current], over: float) -> None:
        """Wait for the last answers, for so long and no longer."""
        while any(current.waiting for current in phases):
            if perf_counter() > over:
                for caller in self._open:
                    caller.transport.abort()
            await asyncio.sleep(_TICK)

    async def _close(self) -> None:
        for caller in self._open:
            caller.transport.close()
        await asyncio.sleep(_TICK)  # they close in the loop's next turn

    def _close_idle(self, now: float) -> None:
        """Close what has been free for too long: all of it, if the one that was used last is."""
        if self._free and self._free[-1].since < now - _IDLE_LIMIT:
            for caller in self._free:
                caller.transport.close()
            self._free.clear()

    def _begin_due(self, current: Current, now: float) -> None:
        due = current.due(now)
        while due > 0:
            if self._free:
                current.offer()
                self._free.pop().call(current, next(self._payloads), perf_counter())
            elif len(self._open) + len(self._connecting) < self._job.connections:
                current.offer()
                self._connect(current)
            else:
                current.leave_out(due)
                return
            due -= 1

    def _connect(self, current: Current) -> None:
        task = asyncio.create_task(self._first_call(current, next(self._payloads)))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _first_call(self, current: Current, payload: bytes) -> None:
        begun = perf_counter()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._job.patience):
                _, caller = await loop.create_connection(lambda: Caller(self), self._job.host, self._job.port)
        except OSError:  # also one that took too long
            current.lose(begun, perf_counter())
        else:
            self._open.add(caller)
            caller.call(current, payload, begun)

    def release(self, caller: "Caller") -> None:
        """Let a connection be used for another request."""
        self._free.append(caller)

    def remove(self, caller: "Caller") -> None:
        """Take note that a connection is closed."""
        self._open.discard(caller)
        if caller in self._free:
            self._free.remove(caller)


class Caller(asyncio.Protocol):
    """One connection.

    Attributes:
        transport: The way to send.
        since: When its last request was begun or answered.
    """

    def __init__(self, pool: Pool) -> None:
        self.transport: asyncio.Transport
        self.since = 0.0
        self._pool = pool
        self._scanner = Scanner()
        self._current: Current | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to send."""
        self.transport = cast("asyncio.Transport", transport)

    def call(self, current: Current, payload: bytes, begun: float) -> None:
        """Send a request that belongs to a phase."""
        self._current = current
        self.since = begun
        self.transport.write(payload)

    def data_received(self, data: bytes) -> None:
        """Take note of an answer, and be free."""
        try:
            answer = self._scanner.feed(data)
        except BenchError:
            self.transport.abort()  # and thus lost
            return
        if answer is None or self._current is None:
            return
        now = perf_counter()
        self._current.answered(answer.status, self.since, now)
        self._current = None
        self.since = now
        if answer.last:
            self.transport.close()
        else:
            self._pool.release(self)

    def connection_lost(self, _: Exception | None) -> None:
        """Take note of a request that is left without an answer."""
        self._pool.remove(self)
        if self._current is not None:
            self._current.lose(self.since, perf_counter())
            self._current = None


def work(job: Job) -> list[Seen]:
    """Do a job."""
    return uvloop.run(Pool(job).run())


if __name__ == "__main__":
    obey(Job, work)
