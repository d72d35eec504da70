"""Closed loop: a number of connections, on each of which the next request follows the last answer at once."""

import asyncio
from array import array
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from time import perf_counter, process_time
from typing import Any, cast

import msgspec
import uvloop

from rollcall_dev.bench.children import obey
from rollcall_dev.bench.errors import BenchError
from rollcall_dev.bench.load import requests
from rollcall_dev.bench.load.result import Result, percentile
from rollcall_dev.bench.load.scanner import Scanner

_PATIENCE = 60.0
"""Seconds that the last answers may take."""

_VARIANTS = 4
"""How many different bulk requests there are."""


class Job(msgspec.Struct):
    """What to send, and for how long.

    Attributes:
        host: Where to.
        port: Where to.
        connections: How many.
        seconds: For how long new requests are begun.
        records: Updates in a request; 0 for a PUT of one.
    """

    host: str
    port: int
    connections: int
    seconds: float
    records: int = 0


class Loop:
    """All callers together.

    Attributes:
        over: When no further request is begun.
        last: When the last answer came.
        latencies: Seconds that each answer has taken.
        failures: How often something else than 200 was answered, by what it was.
        bodies: What answers have said, if anything.
    """

    def __init__(self, payloads: list[bytes]) -> None:
        self.over = self.last = 0.0
        self.latencies = array("d")
        self.failures: Counter[str] = Counter()
        self.bodies: list[bytes] = []
        self.ended = asyncio.Event()
        self._payloads: Iterator[bytes] = cycle(payloads)
        self._calling = 0

    async def run(self, job: Job) -> Result:
        """Call until the time is over, and wait for the last answer."""
        loop = asyncio.get_running_loop()
        callers = []
        for _ in range(job.connections):
            _, caller = await loop.create_connection(lambda: Caller(self), job.host, job.port)
            callers.append(caller)
        self._calling = len(callers)
        begin, cpu = perf_counter(), process_time()
        self.over = begin + job.seconds
        for caller in callers:
            caller.call()
        async with asyncio.timeout(job.seconds + _PATIENCE):
            await self.ended.wait()
        cpu = process_time() - cpu
        latencies = sorted(self.latencies)
        return Result(
            answers=len(latencies),
            seconds=self.last - begin,
            p50=percentile(latencies, 50),
            p99=percentile(latencies, 99),
            cpu_seconds=cpu,
            failures=dict(self.failures),
            failure=self.bodies[0].decode(errors="replace") if self.failures and self.bodies else "",
            accepted=0 if self.failures else sum(msgspec.json.decode(body)["Accepted"] for body in self.bodies),
        )

    def next(self) -> bytes:
        """Give the next request."""
        return next(self._payloads)

    def end(self) -> None:
        """Take note that a connection is closed."""
        self._calling -= 1
        if self._calling == 0:
            self.ended.set()


class Caller(asyncio.Protocol):
    """One connection."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._scanner = Scanner()
        self._begun = 0.0
        self._calling = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to send."""
        self._transport = cast("asyncio.Transport", transport)

    def call(self) -> None:
        """Send the first request."""
        self._calling = True
        self._begun = perf_counter()
        self._transport.write(self._loop.next())

    def data_received(self, data: bytes) -> None:
        """Take note of an answer, and send the next request."""
        try:
            answer = self._scanner.feed(data)
        except BenchError as error:
            self._loop.failures[str(error)] += 1
            self._transport.abort()
            return
        if answer is None:
            return
        loop = self._loop
        now = perf_counter()
        loop.last = now
        loop.latencies.append(now - self._begun)
        if answer.status != 200:  # noqa: PLR2004
            loop.failures[str(answer.status)] += 1
        if answer.body:
            loop.bodies.append(answer.body)
        if now < loop.over:
            self._begun = now
            self._transport.write(loop.next())
        else:
            self._calling = False
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note of the end, and of a request that is left without an answer."""
        if self._calling:
            self._loop.failures[f"connection lost ({exc})" if exc else "connection closed"] += 1
        self._loop.end()


def work(job: Job) -> Result:
    """Do a job."""
    payloads: list[Any] = requests.posts(job.records, _VARIANTS) if job.records else requests.puts()
    return uvloop.run(Loop(payloads).run(job))


if __name__ == "__main__":
    obey(Job, work)
