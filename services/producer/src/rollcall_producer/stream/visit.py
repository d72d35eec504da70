"""A viewer's way from where it wants to begin up to what happens."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime
from itertools import islice
from time import monotonic
from typing import TypeAlias

import structlog
from aiokafka.errors import KafkaError

from rollcall_domain.place import Edge
from rollcall_domain.service.cause import explain
from rollcall_producer import metrics
from rollcall_producer.errors import UnreadableLogError
from rollcall_producer.stream import sse
from rollcall_producer.stream.audience import PATIENCE
from rollcall_producer.stream.live import Live
from rollcall_producer.stream.past import Past
from rollcall_producer.stream.position import Position
from rollcall_producer.stream.viewer import Viewer

log = structlog.get_logger()

Begin: TypeAlias = Position | Edge | datetime
"""Where a viewer wants to begin: behind a message that it has, at an end of the log, or at a time."""

HEARTBEAT = 15.0
"""Seconds after which a viewer hears where the stream is, if nothing else is heard."""

PIECE = 256
"""Messages of the ring that are looked through without giving way to other tasks."""

RETRY = 1.0
"""Seconds until the log is read again after that has failed."""

SETTLING = 10.0
"""Seconds for a generation to become known that another replica knows already."""

ELSEWHERE = "the log does not reach to where you were; it goes on where it ends"
"""Said to who was further than the log is: it is another one, or has lost its end."""

_UNREADABLE = (KafkaError, OSError, TimeoutError, UnreadableLogError)


class SlowError(Exception):
    """A viewer does not read."""


class Visit:
    """A viewer's way.

    Args:
        viewer: The viewer.
        live: Where it leads.
        past: Where it begins, as a rule.
    """

    def __init__(self, viewer: Viewer, live: Live, past: Past) -> None:
        self._viewer = viewer
        self._live = live
        self._past = past
        self._said = monotonic()

    async def run(self, begin: Begin) -> None:
        """Bring the viewer up to what happens, and have it taken in there; or end its answer where that can't be."""
        try:
            await self._climb(await self._find(begin), settled=not isinstance(begin, Position))
        except SlowError:
            metrics.slow_viewers.inc()
            self._write(sse.SLOW, 0)
            self._viewer.line.end()
        except Exception:
            log.exception("A viewer could not be served")
            self._viewer.line.end()

    async def _climb(self, position: Position, *, settled: bool) -> None:
        """Read on from a place, until the ring has all that comes next.

        Args:
            position: The place.
            settled: Whether it is known that the log has come to there.
        """
        live = self._live
        while True:
            ring = live.ring
            if not ring.head.position.reaches(position):
                if not settled:
                    position, settled = await self._settle(position), True
                await self._until(lambda place=position: live.ring.head.position.reaches(place), position)  # type: ignore[misc]  # bound at once
            elif not ring.covers(position):
                position = await self._read(position, ring.head.position)
            elif not live.is_up:
                await self._until(lambda: live.is_up, position)
            else:
                async with self._past.turn():
                    further = self._replay(position)
                if further is None:
                    return
                position = further
                await self._room()

    async def _find(self, begin: Begin) -> Position:
        """Find the place at which to begin."""
        await self._until(lambda: self._live.has_begun)
        while not isinstance(begin, Position):
            try:
                return await self._past.find(begin, self._live.ring.head.generation)
            except _UNREADABLE as error:
                await self._pause(error, None)
        await self._until(lambda: self._live.is_up)  # it is cheaper to go on from there
        limit = monotonic() + SETTLING
        await self._until(lambda: self._past.knows(begin.generation) or monotonic() > limit)
        if self._past.knows(begin.generation):
            return begin
        self._write(sse.remark(b"gap", ELSEWHERE), 0)
        head = self._live.ring.head.position
        return begin.with_states(head.generation, head.offsets[head.states])

    async def _settle(self, position: Position) -> Position:
        """Make sure that a place that was not reached yet will be reached."""
        while True:
            try:
                within = await self._past.within(position, self._live.ring.head.position)
            except _UNREADABLE as error:
                await self._pause(error, position)
            else:
                if within != position:
                    self._write(sse.message(within.id, b"gap", sse.detail(ELSEWHERE)), 0)
                return within

    async def _read(self, position: Position, end: Position) -> Position:
        """Read from a place to another one; give how far that has come."""
        try:
            async with self._past.reading(), aclosing(self._past.read(position, end, self._viewer.wanted)) as steps:
                async for position, written, count in steps:  # noqa: PLR1704 - it goes on with it
                    self._write(written, count)
                    self._beat(position)
                    await self._room()
        except _UNREADABLE as error:
            await self._pause(error, position)
        return position

    def _replay(self, position: Position) -> Position | None:
        """Write messages of the ring, with ids of the viewer's own where it is ahead of the ring somewhere.

        Returns:
            How far that has come; None once all else has the ids that are right for the viewer, who is taken in then.
        """
        ring, wanted = self._live.ring, self._viewer.wanted
        if not (ring.covers(position) and ring.head.position.reaches(position)):
            return position  # it has moved on meanwhile
        parts: list[bytes] = []
        seen = 0
        for number, message in islice(ring.behind(position), PIECE):
            seen += 1
            is_known = message.index < 0 or position.has(message.generation, message.index, message.offset)
            place = ring.place(message)
            if place.reaches(position):
                self._write(b"".join(parts), len(parts))
                self._live.audience.join(self._viewer, number + is_known)
                return None
            position = position.joined(place)
            if not is_known and wanted.covers(message.kind, message.student, message.state):
                parts.append(sse.identified(message.written, position.id))
        self._write(b"".join(parts), len(parts))
        if seen == PIECE:
            return position
        self._live.audience.join(self._viewer, ring.following)
        return None

    def _write(self, written: bytes, count: int) -> None:
        if written:
            self._viewer.line.push(written)
            self._said = monotonic()
            metrics.stream_messages.inc(count)

    def _beat(self, position: Position | None) -> None:
        """Say where the stream is, if nothing was said for some time."""
        if monotonic() - self._said > HEARTBEAT:
            self._write(sse.SILENCE if position is None else sse.heartbeat(position.id), 0)

    async def _until(self, holds: Callable[[], bool], position: Position | None = None) -> None:
        """Wait until something holds that comes with the stream's moving on, or with time."""
        while not holds():
            await self._live.moved(RETRY)
            self._beat(position)

    async def _pause(self, error: Exception, position: Position | None) -> None:
        log.debug("The log can't be read", reason=explain(error))
        await asyncio.sleep(RETRY)
        self._beat(position)

    async def _room(self) -> None:
        """Wait until the viewer has read.

        Raises:
            SlowError: It does not.
        """
        if self._viewer.line.is_stalled:
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._viewer.line.drain()
            except TimeoutError:
                raise SlowError from None
