"""Closed loop: a number of connections, on each of which the next request follows the last answer at once."""

import asyncio
from array import array
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from time import perf_counter, process_time
from typing import cast

import msgspec
import uvloop

from rollcall_dev.bench.children import obey
from rollcall_dev.bench.errors import BenchError
from rollcall_dev.bench.load import requests
from rollcall_dev.bench.load.result import Result, percentile
from rollcall_dev.bench.load.scanner import Scanner
from rollcall_dev.bench.machine import cpu_seconds

_PATIENCE = 60.0
"""Seconds that the last answers may take."""

_VARIANTS = 4
"""How many different bulk requests there are."""


class Job(msgspec.Struct):
    """What to send, and for how long.

    Attributes:
        host: Where to.
        port: Where to.
        pid: The process that is called.
        connections: How many.
        seconds: For how long new requests are begun.
        records: Updates in a request; 0 for a PUT of one.
    """

    host: str
    port: int
    pid: int
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
        self._payloads: Iterator[bytes] = cycle(payloads)
        self._calling = 0
        self._resting = asyncio.Event()

    async def run(self, job: Job) -> Result:
        """Call until the time is over, and wait for the last answer."""
        callers = [await self._connect(job) for _ in range(job.connections)]
        # A busy server takes its time to accept a connection: that is no part of what is measured.
        await self._call(callers, 0.0)
        if not self.failures:
            self.latencies, self.bodies = array("d"), []
        begin, server, load = perf_counter(), cpu_seconds(job.pid), process_time()
        if not self.failures:
            await self._call(callers, job.seconds)
        server, load = cpu_seconds(job.pid) - server, process_time() - load
        for caller in callers:
            caller.transport.close()
        await asyncio.sleep(0.001)  # they close in the loop's next turn
        ascending = sorted(self.latencies)
        return Result(
            answers=len(ascending),
            seconds=self.last - begin,
            p50=percentile(ascending, 50),
            p99=percentile(ascending, 99),
            cpu_seconds=server,
            load_cpu_seconds=load,
            failures=dict(self.failures),
            failure=self.bodies[0].decode(errors="replace") if self.failures and self.bodies else "",
            accepted=0 if self.failures else sum(msgspec.json.decode(body)["Accepted"] for body in self.bodies),
        )

    async def _connect(self, job: Job) -> "Caller":
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(lambda: Caller(self), job.host, job.port))[1]

    async def _call(self, callers: list["Caller"], seconds: float) -> None:
        """Let each send one request, and others for some seconds."""
        self.over = perf_counter() + seconds
        self._calling = len(callers)
        self._resting.clear()
        for caller in callers:
            caller.call()
        async with asyncio.timeout(seconds + _PATIENCE):
            await self._resting.wait()

    def next(self) -> bytes:
        """Give the next request."""
        return next(self._payloads)

    def rest(self) -> None:
        """Take note that a caller has no request on its way any more."""
        self._calling -= 1
        if self._calling == 0:
            self._resting.set()


class Caller(asyncio.Protocol):
    """One connection."""

    def __init__(self, loop: Loop) -> None:
        self.transport: asyncio.Transport
        self._loop = loop
        self._scanner = Scanner()
        self._begun = 0.0
        self._calling = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to send."""
        self.transport = cast("asyncio.Transport", transport)

    def call(self) -> None:
        """Send the first request."""
        self._calling = True
        self._begun = perf_counter()
        self.transport.write(self._loop.next())

    def data_received(self, data: bytes) -> None:
        """Take note of an answer, and send the next request."""
        try:
            answer = self._scanner.feed(data)
        except BenchError as error:
            self._loop.failures[str(error)] += 1
            self.transport.abort()
            return
        if answer is None:
            return
        loop = self._loop
        loop.last = now = perf_counter()
        loop.latencies.append(now - self._begun)
        if answer.status != 200:  # noqa: PLR2004
            loop.failures[str(answer.status)] += 1
        if answer.body:
            loop.bodies.append(answer.body)
        if answer.last:
            self.transport.close()  # and thus a failure: the connection is to be kept
        elif now < loop.over:
            self._begun = now
            self.transport.write(loop.next())
        else:
            self._calling = False
            loop.rest()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note of a connection that is not there any more for the next request."""
        if self._calling:
            self._calling = False
            self._loop.failures[f"connection lost ({exc})" if exc else "connection closed"] += 1
            self._loop.rest()


def work(job: Job) -> Result:
    """Do a job."""
    payloads = requests.posts(job.records, _VARIANTS) if job.records else requests.puts()
    return uvloop.run(Loop(payloads).run(job))


if __name__ == "__main__":
    obey(Job, work)
