"""The stream as a part of the service: it is read for as long as anybody watches, and ends before the service does."""

import asyncio
from contextlib import suppress

import structlog
from starlette.types import Receive

from rollcall_domain.place import Edge
from rollcall_producer import metrics
from rollcall_producer.past.archive import Archive
from rollcall_producer.problems import later
from rollcall_producer.settings import ProducerSettings
from rollcall_producer.stream import sse
from rollcall_producer.stream.asked import Asked
from rollcall_producer.stream.generations import Generations
from rollcall_producer.stream.layout import Layout
from rollcall_producer.stream.live import Live
from rollcall_producer.stream.past import READERS, Past
from rollcall_producer.stream.position import Position
from rollcall_producer.stream.reader import Reader
from rollcall_producer.stream.share import Share
from rollcall_producer.stream.viewer import Line, Viewer
from rollcall_producer.stream.visit import HEARTBEAT, Begin, Visit

log = structlog.get_logger()

PART = 0.5
"""Part of the time that all of it takes at the most; the rest is for updates and reads."""

KEPT = 64 * 1024
"""Bytes that the system keeps for a viewer."""

LINGER = 30.0
"""Seconds for which it is read on when nobody watches any more."""

CLOSING = 1.0
"""Seconds at the end for what is written already to be taken."""

BACKOFF = 1.0
"""Seconds before all is begun anew after an error that was not foreseen."""

_CROWD = 100
"""Answers that are ended without giving way to other tasks."""


class Stream:
    """The stream.

    Args:
        settings: The service's settings.
        archive: The log.

    Attributes:
        partitions: How many partitions each of its topics has.
    """

    def __init__(self, settings: ProducerSettings, archive: Archive) -> None:
        self.partitions = settings.partitions
        self._settings = settings
        self._layout = Layout(settings)
        self._generations = Generations(settings, self._layout, archive)
        self._share = Share(PART)
        self._live = Live(self._share)
        self._past = Past(archive, self._layout, self._generations, self._share)
        self._viewers: dict[Viewer, None] = {}
        self._parting: list[Line] = []
        self._watched = asyncio.Event()
        self._deserted = asyncio.Event()
        self._is_closed = False

    async def run(self) -> None:
        """Read it whenever anybody watches, until cancelled."""
        while True:
            await self._watched.wait()
            await self._serve()

    async def _serve(self) -> None:
        reader = Reader(self._settings, self._layout, self._generations, self._live, self._share)
        try:
            async with asyncio.TaskGroup() as tasks:
                steps = [tasks.create_task(step) for step in (reader.run(), self._live.audience.run(), self._beat())]
                await self._desertion()
                self._live.end()
                for step in steps:
                    step.cancel()
        except* Exception:  # updates are to be taken all the same, and viewers come again
            log.exception("The stream failed")
            self._live.end()
            for viewer in [*self._viewers]:
                viewer.line.end()
            await asyncio.sleep(BACKOFF)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            self._live.beat()
            self._parting = [line for line in self._parting if line.unsent]

    async def _desertion(self) -> None:
        """Wait until nobody has watched for some time."""
        while True:
            await self._deserted.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER):
                    await self._watched.wait()
            if not self._viewers:
                return

    def check(self, begin: Begin) -> None:
        """Make sure that somebody can begin at a place.

        Raises:
            Problem: 503, if too many read the past already.
        """
        if begin is Edge.LATEST or self._past.readers < READERS:
            return
        if not (isinstance(begin, Position) and self._live.is_up and self._live.ring.covers(begin)):
            raise later("too-many-readers", f"{READERS} read the past already")

    async def show(self, line: Line, asked: Asked, receive: Receive) -> None:
        """Show it to a viewer whose answer has begun, until either of both ends."""
        line.hold_open(KEPT)
        line.push(sse.RETRY)
        if self._is_closed:
            line.end()
            return
        viewer = Viewer(line, asked.wanted)
        self._enter(viewer)
        visit = asyncio.create_task(Visit(viewer, self._live, self._past).run(asked.begin))
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            visit.cancel()
            self._live.audience.leave(viewer)
            self._leave(viewer)

    def _enter(self, viewer: Viewer) -> None:
        self._viewers[viewer] = None
        metrics.viewers.inc()
        self._deserted.clear()
        self._watched.set()

    def _leave(self, viewer: Viewer) -> None:
        del self._viewers[viewer]
        if viewer.line.unsent:
            self._parting.append(viewer.line)
        metrics.viewers.dec()
        if not self._viewers:
            self._watched.clear()
            self._deserted.set()

    async def close(self) -> None:
        """End all answers in order, and those that come; those that are not taken are cut short."""
        self._is_closed = True
        lines = [*(viewer.line for viewer in self._viewers), *self._parting]
        for number, line in enumerate(lines):
            line.end()
            if not number % _CROWD:
                await asyncio.sleep(0)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING):
                while any(line.unsent for line in lines):  # noqa: ASYNC110 - a transport does not tell
                    await asyncio.sleep(0.05)
        for line in lines:
            if line.unsent:
                line.abort()
