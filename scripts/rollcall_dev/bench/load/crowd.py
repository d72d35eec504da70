"""Thousands of viewers of the stream in one process, as light as can be: when does which update come to whom?

All of them count what comes. Some, spread evenly among them, look at each update and note when it has come.
"""

import asyncio
import re
import signal
from array import array
from time import monotonic
from typing import cast

import msgspec
import uvloop

from rollcall_dev.bench.children import obey, say_ready
from rollcall_dev.bench.machine import raise_file_limit

_CONNECTING = 100
"""Connections that are made at a time."""

_LIVE_LIMIT = 60.0
"""Seconds for all to be told that the rest comes as it happens."""

_LIVE = b"event: live\n"
_EVENT = b"event: event\n"
_SPLIT = max(len(_LIVE), len(_EVENT)) - 1


class Job(msgspec.Struct):
    """Whom to be, until SIGTERM.

    Attributes:
        host: Where the API is.
        port: Where it listens.
        viewers: How many viewers.
        lookers: How many of them note each update.
        prefix: What the students are called that count; a number follows.
        target: What they ask for, with `{}` in the place of a viewer's number.
        stalled: How many more there are who read nothing.
        patient: Whether all are waited for until the rest comes as it happens.
    """

    host: str
    port: int
    viewers: int
    lookers: int
    prefix: str
    target: str
    stalled: int = 0
    patient: bool = True


class Seen(msgspec.Struct):
    """What has come.

    Attributes:
        counts: Events that each viewer was sent.
        bytes: Bytes in all.
        numbers: Of each update that was noted, the number in the student's name.
        times: And when it came, by the monotonic clock, which all processes share.
        lost: Viewers whose connection was lost.
        stalled: Of those who read nothing, those who were cut.
    """

    counts: list[int]
    bytes: int
    numbers: list[int]
    times: list[float]
    lost: int
    stalled: int


class _Crowd:
    """What all viewers have in common."""

    def __init__(self, job: Job) -> None:
        self.pattern = re.compile(rb'event: event\ndata: \{"StudentId":"' + job.prefix.encode() + rb'(\d+)"')
        self.numbers, self.times = array("l"), array("d")
        self.bytes = self.lost = self.cut = self.live = 0
        self.changed = asyncio.Event()


class _Viewer(asyncio.Protocol):
    def __init__(self, crowd: _Crowd, request: bytes, *, looks: bool, reads: bool = True) -> None:
        self.count = 0
        self._crowd = crowd
        self._request = request
        self._looks = looks
        self._reads = reads
        self._is_live = False
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        sending = cast("asyncio.Transport", transport)
        sending.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if self._reads:
            self._crowd.lost += 1
        else:
            self._crowd.cut += 1

    def data_received(self, data: bytes) -> None:
        now = monotonic()
        self._crowd.bytes += len(data)
        if not self._is_live and self._reads:
            self._await_live(data)
        data = self._rest + data
        self.count += data.count(_EVENT)
        if self._looks:
            self._note(data, now)
        else:
            self._rest = data[-_SPLIT:]

    def _await_live(self, data: bytes) -> None:
        if _LIVE in self._rest + data:
            self._is_live = True
            self._crowd.live += 1
            self._crowd.changed.set()

    def _note(self, data: bytes, now: float) -> None:
        """Note whole messages, and keep the begin of one that is not."""
        end = data.rfind(b"\n\n") + 2
        self._rest = data[end:]
        self.count -= self._rest.count(_EVENT)
        for number in self._crowd.pattern.findall(data, 0, end):
            self._crowd.numbers.append(int(number))
            self._crowd.times.append(now)


async def watch(job: Job) -> Seen:
    """Watch until told to end."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    crowd = _Crowd(job)
    every = max(1, job.viewers // max(1, job.lookers))
    viewers = [_Viewer(crowd, _request(job, number), looks=not number % every) for number in range(job.viewers)]
    for begin in range(0, len(viewers), _CONNECTING):
        made = [loop.create_connection(lambda v=v: v, job.host, job.port) for v in viewers[begin : begin + _CONNECTING]]  # type: ignore[misc]
        await asyncio.gather(*made)
    try:
        async with asyncio.timeout(_LIVE_LIMIT):
            while job.patient and crowd.live < job.viewers:
                crowd.changed.clear()
                await crowd.changed.wait()
    except TimeoutError:
        raise RuntimeError(f"of {job.viewers} viewers {crowd.live} have come up, {crowd.lost} were cut") from None
    idle = [_Viewer(crowd, _request(job, number), looks=False, reads=False) for number in range(job.stalled)]
    for each in idle:
        transport, _ = await loop.create_connection(lambda each=each: each, job.host, job.port)  # type: ignore[misc]
        transport.pause_reading()  # no earlier: uvloop begins to read after it has told that a connection is made
    say_ready()
    await stopping.wait()
    return Seen(
        [viewer.count for viewer in viewers],
        crowd.bytes,
        crowd.numbers.tolist(),
        crowd.times.tolist(),
        crowd.lost,
        crowd.cut,
    )


def _request(job: Job, number: int) -> bytes:
    return f"GET {job.target.format(number)} HTTP/1.1\r\nHost: rollcall\r\n\r\n".encode()


def work(job: Job) -> Seen:
    """Do a job."""
    raise_file_limit()
    return uvloop.run(watch(job))


if __name__ == "__main__":
    obey(Job, work)
