"""HTTP/1.1 as far as the load needs it: some 50 µs a request, a tenth of what a full client takes."""

import asyncio
import ssl
from collections.abc import Mapping
from typing import NamedTuple

ANSWER_LIMIT = 60.0
"""Seconds after which an answer that has not come will not come."""

BROKEN = (OSError, EOFError, TimeoutError)
"""What a request on a connection that breaks raises; the answer may be on its way all the same."""


class Answer(NamedTuple):
    """What came back.

    Attributes:
        status: The HTTP status.
        headers: By name in lower case.
        body: All of it.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


def request(method: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Build the bytes of a request."""
    fields = {"Host": "rollcall", "Content-Length": str(len(body)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


class Connection:
    """A connection to one server, used for one request after the other.

    Args:
        host: The server's address.
        port: Its port.
        tls: Whom to trust, if it is to be HTTPS.
    """

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._address = host, port
        self._tls = tls
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, and the server has neither closed it nor broken it off."""
        if self._streams is None:
            return False
        reader, writer = self._streams
        return not (reader.at_eof() or writer.transport.is_closing())

    async def open(self) -> None:
        """Connect.

        Raises:
            OSError: There is nobody.
        """
        self.drop()
        self._streams = await asyncio.open_connection(*self._address, ssl=self._tls)

    def drop(self) -> None:
        """Hang up, whatever is on its way."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def send(self, data: bytes) -> None:
        """Send bytes of a request, as fast as the server takes them."""
        writer = self._opened()[1]
        writer.write(data)
        await writer.drain()

    async def receive(self) -> Answer:
        """Read the answer to a request that is sent."""
        try:
            async with asyncio.timeout(ANSWER_LIMIT):
                return await self._read()
        except BROKEN:
            self.drop()
            raise

    async def ask(self, data: bytes) -> Answer:
        """Send a whole request, and read its answer."""
        self._opened()[1].write(data)
        return await self.receive()

    def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            raise ConnectionResetError
        return self._streams

    async def _read(self) -> Answer:
        reader, _ = self._opened()
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        named = (line.partition(":") for line in lines if line)
        headers = {name.lower(): value.strip() for name, _, value in named}
        if "content-length" in headers:
            body = await reader.readexactly(int(headers["content-length"]))
        else:
            body = await _chunks(reader)
        if headers.get("connection") == "close":
            self.drop()
        return Answer(int(first.split(" ", 2)[1]), headers, body)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return bytes(body)
