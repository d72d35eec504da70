"""All who have come up to what happens: they are written to in rounds, each of them once a round with all that is new.

With few viewers a round follows each message at once. With many it takes a while, and what comes meanwhile waits for
the next one. Who does not read as fast as that is written to from the ring, until that has moved on.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from time import monotonic
from typing import NamedTuple, TypeVar

from rollcall_producer import metrics
from rollcall_producer.stream import sse
from rollcall_producer.stream.backlog import Backlog
from rollcall_producer.stream.groups import Group, Groups
from rollcall_producer.stream.message import Message
from rollcall_producer.stream.ring import Ring
from rollcall_producer.stream.share import Share
from rollcall_producer.stream.viewer import Viewer

SLICE = 64
"""Viewers who are written to without giving way to other tasks."""

PORTION = 256 * 1024
"""Bytes of messages after which a round is due, before more are taken in."""

HELPING = 64 * 1024
"""Bytes of messages that who is behind gets in a round."""

GLANCE = 0.05
"""Seconds between looks at viewers who are behind."""

PATIENCE = 30.0
"""Seconds within which a viewer who is behind has to read on."""

T = TypeVar("T")


class _Delay(NamedTuple):
    """How far behind a viewer is: the number of the message that it is to have next, and since when."""

    number: int
    since: float


class Audience:
    """Viewers who are written to in rounds.

    Args:
        ring: Gives the latest messages.
        share: The share of the time that writing takes.
    """

    def __init__(self, ring: Callable[[], Ring], share: Share) -> None:
        self._ring = ring
        self._share = share
        self._groups = Groups()
        self._viewers: dict[Viewer, Group] = {}
        self._behind: dict[Viewer, _Delay] = {}
        self._new: dict[Viewer, None] = {}
        self._done = 0
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def __len__(self) -> int:
        return len(self._viewers)

    def begin(self, number: int) -> None:
        """Begin with the message of a number."""
        self._done = number

    def end(self) -> None:
        """Let all viewers go, and forget what is not written to them."""
        for viewer in [*self._viewers]:
            self.leave(viewer)
        self._groups.take()
        self._news.clear()
        self._room.set()

    def join(self, viewer: Viewer, number: int) -> None:
        """Take a viewer in, who is to have all messages from a number on, and to be told once it has all there are."""
        self._viewers[viewer] = self._groups.join(viewer.wanted)
        self._new[viewer] = None
        self._fall_behind(viewer, number)
        self._news.set()

    def leave(self, viewer: Viewer) -> None:
        """Let a viewer go, if it was taken in."""
        group = self._viewers.pop(viewer, None)
        if group is not None:
            self._behind.pop(viewer, None)
            self._new.pop(viewer, None)
            self._groups.leave(group, viewer)

    def tell(self, message: Message) -> None:
        """Have a message written to all who want it."""
        self._groups.tell(message)
        self._news.set()
        if self._groups.size > PORTION:
            self._room.clear()

    async def room(self) -> None:
        """Wait until there is room for more messages."""
        await self._room.wait()

    async def run(self) -> None:
        """Write to viewers until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(GLANCE if self._behind else None):
                    await self._news.wait()
            self._news.clear()
            await self.round()

    async def round(self) -> None:
        """Write to each viewer what has come since it was last written to."""
        behind = [*self._behind]
        begin, self._done = self._done, self._ring().following
        taken = self._groups.take()
        self._room.set()
        for part in _slices([(viewer, *news) for news in taken for viewer in news[0].viewers]):
            async with self._share.slice():
                self._write(part, begin)
        backlog = Backlog(self._ring(), self._done, HELPING)
        for viewers in _slices(behind):
            async with self._share.slice():
                for viewer in viewers:
                    if viewer in self._behind:
                        self._bring_on(viewer, backlog)

    def _write(self, part: Sequence[tuple[Viewer, Group, bytes, int]], begin: int) -> None:
        """Write to viewers what is new to them, from a number on, but to those who have to be given time."""
        written = 0
        for viewer, group, news, count in part:
            if not viewer.line.is_stalled:
                viewer.line.push(news)
                written += count
            elif viewer in self._viewers:
                del group.viewers[viewer]
                self._fall_behind(viewer, begin)
        metrics.stream_messages.inc(written)

    def _fall_behind(self, viewer: Viewer, number: int) -> None:
        self._behind[viewer] = _Delay(number, monotonic())

    def _bring_on(self, viewer: Viewer, backlog: Backlog) -> None:
        """Write to a viewer who is behind some of what there is for it; cut it if it has been behind for too long."""
        delay = self._behind[viewer]
        stalled = viewer.line.is_stalled
        if backlog.is_lost(delay.number) or (stalled and monotonic() - delay.since > PATIENCE):
            self._cut(viewer)
        elif not stalled:
            portion = backlog.portion(delay.number, viewer.wanted)
            viewer.line.push(portion.written)
            metrics.stream_messages.inc(portion.messages)
            self._behind[viewer] = delay._replace(number=portion.following)
            if portion.following == self._done:
                self._come_up(viewer, backlog.identity)

    def _come_up(self, viewer: Viewer, identity: bytes) -> None:
        """Take a viewer in among those who have all that there is."""
        del self._behind[viewer]
        self._viewers[viewer].viewers[viewer] = None
        if viewer in self._new:
            del self._new[viewer]
            viewer.line.push(sse.message(identity, b"live", b"{}"))

    def _cut(self, viewer: Viewer) -> None:
        self.leave(viewer)
        metrics.slow_viewers.inc()
        viewer.line.push(sse.SLOW)
        viewer.line.end()


def _slices(work: Sequence[T]) -> Iterator[Sequence[T]]:
    return (work[begin : begin + SLICE] for begin in range(0, len(work), SLICE))
