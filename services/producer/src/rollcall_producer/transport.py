"""What uvicorn gets to see of a connection's transport."""

import asyncio
from collections.abc import Callable, Sized

from uvicorn.protocols.http.flow_control import FlowControl


class Wire:
    """A transport that the protocol may end in a way of its own.

    It passes on bound methods rather than calls, which costs a request nothing.

    Attributes:
        transport: The transport itself.
        pushed: Bytes that were written without regard to how much was taken before.
    """

    __slots__ = ("close", "is_closing", "pushed", "transport", "write")

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self.transport = transport
        self.pushed = 0
        self.write: Callable[[bytes], None] = transport.write
        self.is_closing = transport.is_closing
        self.close = close

    def cut(self) -> None:
        """Drop what is still written. The transport raises an error at that once its end is shut."""
        self.write = _drop
        self.is_closing = _yes
        self.close = _nothing


def _drop(_: bytes) -> None:
    pass


def _yes() -> bool:
    return True


def _nothing() -> None:
    pass


class Flow(FlowControl):
    """Flow control that reads no further while requests wait for their turn."""

    def __init__(self, transport: asyncio.Transport, waiting: Sized) -> None:
        super().__init__(transport)
        self._waiting = waiting
        self._has_paused = False

    def was_paused(self) -> bool:
        """Tell whether reading was paused at any time since this was last asked."""
        paused, self._has_paused = self._has_paused, self.read_paused
        return paused

    def pause_reading(self) -> None:
        """Read no further."""
        self._has_paused = True
        super().pause_reading()

    def resume_reading(self) -> None:
        """Read on, if no request waits."""
        if self.read_paused and not self._waiting:
            super().resume_reading()
