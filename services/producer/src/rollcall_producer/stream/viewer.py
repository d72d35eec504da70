"""A viewer of the stream, as far as writing to it goes."""

from typing import Protocol

from rollcall_producer.stream.wanted import Wanted


class Line(Protocol):
    """An answer that goes on by itself, as `exchange.Exchange` has it."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more of it arrives."""

    @property
    def is_stalled(self) -> bool:
        """Whether the client is to be given time to read."""

    @property
    def unsent(self) -> int:
        """Bytes that the client has not taken."""

    def hold_open(self, kept: int) -> None:
        """Have it go on by itself; the system keeps so many bytes at the most."""

    def push(self, part: bytes) -> None:
        """Write a part of it."""

    async def drain(self) -> None:
        """Wait until there is room."""

    def end(self) -> None:
        """End it in order."""

    def abort(self) -> None:
        """End it at once."""


class Viewer:
    """A viewer.

    Args:
        line: Where messages go.
        wanted: Which are wanted.
    """

    __slots__ = ("line", "wanted")

    def __init__(self, line: Line, wanted: Wanted) -> None:
        self.line = line
        self.wanted = wanted
