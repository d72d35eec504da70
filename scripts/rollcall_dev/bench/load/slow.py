"""Slow callers: many connections, each sending a request by one byte a second."""

import asyncio
from typing import cast

import msgspec
import uvloop

from rollcall_dev.bench.children import obey, say_ready
from rollcall_dev.bench.load import requests

_TICKS = 100
"""Parts of a second, in each of which some of the connections have their turn."""


class Job(msgspec.Struct):
    """Where to, and on how many connections."""

    host: str
    port: int
    connections: int


class Caller(asyncio.Protocol):
    """A slow connection, which is opened again whenever it is closed."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._sent = 0
        self._transport: asyncio.Transport | None = None

    async def turn(self, job: Job) -> None:
        """Send one more byte; after the last one, begin anew."""
        if self._transport is None:
            await asyncio.get_running_loop().create_connection(lambda: self, job.host, job.port)
        if self._transport is not None:
            self._transport.write(self._request[self._sent : self._sent + 1])
            self._sent = (self._sent + 1) % len(self._request)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin a request."""
        self._transport = cast("asyncio.Transport", transport)
        self._sent = 0

    def connection_lost(self, _: Exception | None) -> None:
        """Take note that there is none any more."""
        self._transport = None


async def crawl(job: Job) -> None:
    """Send for ever; says that it is ready once each connection has sent its first byte."""
    request = requests.puts()[0]
    callers = [Caller(request) for _ in range(job.connections)]
    for caller in callers:
        await caller.turn(job)
    say_ready()
    loop = asyncio.get_running_loop()
    tick, begin = 0, loop.time()
    while True:
        tick += 1
        await asyncio.sleep(begin + tick / _TICKS - loop.time())
        for caller in callers[tick % _TICKS :: _TICKS]:
            await caller.turn(job)


if __name__ == "__main__":
    obey(Job, lambda job: uvloop.run(crawl(job)))
