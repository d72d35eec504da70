"""The network between the API and a broker, as it fails: answers that are lost, and connections that break."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from rollcall_dev.kafka import ports

_PIECE = 256 * 1024

_RESET = struct.pack("ii", 1, 0)
"""Closes a connection at once, and with an error at the other end."""


class Network:
    """Passes connections on to a port of this machine.

    Args:
        target: The port that they are passed on to.

    Attributes:
        port: Where it listens.
        target: The port that connections are passed on to.
    """

    def __init__(self, target: int) -> None:
        self.port = ports.choose()
        self.target = target
        self._writers: set[asyncio.StreamWriter] = set()
        self._answering = asyncio.Event()
        self._answering.set()
        self._server: asyncio.Server | None = None

    @property
    def bootstrap_servers(self) -> str:
        """Where clients of the broker connect."""
        return f"{ports.HOST}:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connect, ports.HOST, self.port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()

    def lose_answers(self) -> None:
        """Pass on what is asked, but none of the answers, until connections are cut."""
        self._answering.clear()

    def forget(self) -> None:
        """Lose all answers on connections that there are, as of a host that has vanished; later ones are as ever."""
        self._answering.clear()
        self._answering = asyncio.Event()
        self._answering.set()

    def cut(self) -> None:
        """Break all connections."""
        for writer in self._writers:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()
        self._writers.clear()
        self._answering.set()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(ports.HOST, self.target)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, back}
        self._writers |= pair
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, back, _at_once))
                both.create_task(self._pump(there, writer, self._answering.wait))
        except* (OSError, RuntimeError):  # the second is what uvloop says of a connection that was cut
            pass
        finally:
            for each in pair:
                each.transport.abort()
            self._writers -= pair

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, may_pass: Callable[[], Awaitable[object]]
    ) -> None:
        while piece := await reader.read(_PIECE):
            await may_pass()
            writer.write(piece)
            await writer.drain()
        raise ConnectionResetError  # ends the other direction as well


async def _at_once() -> None:
    pass
