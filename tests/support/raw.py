"""HTTP over a socket, byte by byte as a test wants it."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

from support.services import PATIENCE


class Answer(NamedTuple):
    """An answer. Names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """The problem document that it is."""
        assert self.headers["content-type"] == "application/problem+json", self
        problem: dict[str, Any] = json.loads(self.body)
        assert problem["status"] == self.status
        assert problem["type"].startswith("urn:rollcall:problem:")
        return problem

    @property
    def kind(self) -> str:
        """What the problem is."""
        return str(self.problem["type"]).rpartition(":")[2]


class Connection:
    """A connection to a server on this machine."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def write(self, data: bytes) -> None:
        """Write without waiting."""
        self._writer.write(data)

    async def send(self, data: bytes) -> None:
        """Write, and wait until most of it has left."""
        self._writer.write(data)
        await self._writer.drain()

    async def send_slowly(self, data: bytes, size: int = 1, pause: float = 0) -> None:
        """Write in pieces until all is written, or the connection is gone."""
        with suppress(OSError):
            for begin in range(0, len(data), size):
                await self.send(data[begin : begin + size])
                await asyncio.sleep(pause)

    def finish(self) -> None:
        """Say that nothing more is to come."""
        self._writer.write_eof()

    async def answer(self) -> Answer:
        """Read an answer."""
        async with asyncio.timeout(PATIENCE):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await self._reader.readexactly(int(headers["content-length"]))
        return Answer(int(head[0].split()[1]), headers, body)

    async def ask(self, request: bytes) -> Answer:
        """Send a request, and read its answer."""
        self.write(request)
        return await self.answer()

    async def receive(self, size: int) -> bytes:
        """Read some bytes, if any are left."""
        async with asyncio.timeout(PATIENCE):
            return await self._reader.read(size)

    async def end(self) -> bytes:
        """Read to the end of the connection, and give what was left."""
        async with asyncio.timeout(PATIENCE):
            return await self._reader.read()

    async def reset(self) -> None:
        """Wait until the connection is cut."""
        async with asyncio.timeout(PATIENCE):
            with suppress(ConnectionError):
                await self._reader.read()


@asynccontextmanager
async def connect(
    url: str, *, receive_buffer: int | None = None, trust: ssl.SSLContext | None = None
) -> AsyncIterator[Connection]:
    """Connect to a server.

    Args:
        url: The server's address.
        receive_buffer: Bytes that the kernel takes in before they are read here; by default as many as it likes.
        trust: Whom to trust, for HTTPS.
    """
    host, _, port = url.partition("://")[2].rpartition(":")
    with socket.socket() as connected:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer is not None:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connected.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connected, (host, int(port)))
        name = None if trust is None else host
        reader, writer = await asyncio.open_connection(sock=connected, ssl=trust, server_hostname=name)
        try:
            yield Connection(reader, writer)
        finally:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()


def put(
    body: bytes,
    *,
    headers: bytes = b"Content-Type: application/json\r\n",
    path: bytes = b"/Record/Update",
    length: int | None = None,
) -> bytes:
    """Build a request, if wanted with another length than it has."""
    length = len(body) if length is None else length
    return b"PUT " + path + b" HTTP/1.1\r\nHost: x\r\n" + headers + b"Content-Length: %d\r\n\r\n" % length + body


def get(path: str) -> bytes:
    """Build a request without a body."""
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
