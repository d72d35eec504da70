"""What stands before several replicas of the API: each connection goes to one of those that take it."""

import asyncio
import contextlib
from collections.abc import Sequence
from random import Random
from types import TracebackType
from typing import Self

from rollcall_dev.kafka import ports

_PIECE = 64 * 1024


class Balancer:
    """Passes connections on to one of several ports of this machine, and to the next one where nobody listens.

    Args:
        targets: The ports.
        draw: What the choice is drawn from.

    Attributes:
        port: Where it listens.
    """

    def __init__(self, targets: Sequence[int], draw: Random) -> None:
        self.port = ports.choose()
        self._targets = targets
        self._draw = draw
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._take, ports.HOST, self.port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio has made one for the connection
        self._passing.add(task)
        try:
            there, back = await self._open()
            with contextlib.closing(back.transport):
                await _pass_on(reader, back, there, writer)
        except (OSError, RuntimeError):  # the second is what uvloop says of a connection that was cut
            pass
        finally:
            self._passing.discard(task)
            writer.transport.abort()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to one of them.

        Raises:
            OSError: Nobody listens.
        """
        for target in self._draw.sample(self._targets, len(self._targets)):
            with contextlib.suppress(ConnectionRefusedError):
                return await asyncio.open_connection(ports.HOST, target)
        raise ConnectionRefusedError


async def _pass_on(
    reader: asyncio.StreamReader, back: asyncio.StreamWriter, there: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Pass on in both directions until either ends."""
    pumps = [asyncio.create_task(_pump(reader, back)), asyncio.create_task(_pump(there, writer))]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(_PIECE):
        writer.write(piece)
        await writer.drain()
