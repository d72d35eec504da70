"""Viewers of the stream of a running API, who read server-sent events as browsers do."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from http import HTTPStatus
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec

RETRY = 1.0
"""Seconds before a viewer whose connection has broken connects again, if nobody has told it otherwise."""

PATIENCE = 40.0
"""Seconds after which a message that has not come will not come."""

_PIECE = 256 * 1024

_BROKEN = (OSError, EOFError, asyncio.IncompleteReadError, ValueError)


class Message(NamedTuple):
    """A message.

    Attributes:
        id: The last id when it came.
        event: Its kind.
        data: What it says.
        at: When it came, in seconds of the monotonic clock.
    """

    id: str
    event: str
    data: dict[str, Any]
    at: float


class RefusedError(Exception):
    """A stream that was answered with something else.

    Attributes:
        status: The HTTP status.
        head: The head of the answer.
        body: Its body.
    """

    def __init__(self, status: int, head: str, body: bytes) -> None:
        super().__init__(f"{status} {body.decode(errors='replace')}")
        self.status = status
        self.head = head
        self.body = body


class Viewer:
    """A viewer.

    Args:
        address: Where the API is: host and port.
        parameters: What is asked for.
        last_id: The id to go on from, if there is one.
        headers: Further headers of the request.
        trust: Whom to trust, for HTTPS.

    Attributes:
        messages: All that has come.
        last_id: The last id that has come.
        beats: How many ids have come without a message.
        connections: How often it was connected.
        head: The head of the latest answer.
        ended: Whether the latest answer has ended in order.
        target: What it asks for.
    """

    def __init__(
        self,
        address: tuple[str, int],
        parameters: Mapping[str, str] | None = None,
        *,
        last_id: str = "",
        headers: Mapping[str, str] | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self.messages: list[Message] = []
        self.last_id = last_id
        self.beats = 0
        self.connections = 0
        self.head = ""
        self.ended = False
        self._address = address
        self.target = "/Record/Stream" + (f"?{urlencode(parameters)}" if parameters else "")
        self._headers = dict(headers or {})
        self._trust = trust
        self._retry = RETRY
        self._changed = asyncio.Event()
        self._failure: BaseException | None = None

    async def follow(self) -> None:
        """Read, and connect again wherever the connection breaks or there is no room, until cancelled.

        Raises:
            RefusedError: The answer is another one.
        """
        while True:
            try:
                await self.read()
            except RefusedError as error:
                if error.status != HTTPStatus.SERVICE_UNAVAILABLE:
                    raise
            except _BROKEN:
                pass
            await asyncio.sleep(self._retry)

    async def read(self) -> None:
        """Connect, and read to the end.

        Raises:
            RefusedError: The answer is another one.
            OSError: The connection breaks.
        """
        reader, writer = await asyncio.open_connection(*self._address, ssl=self._trust)
        try:
            self.connections += 1
            self.ended = False
            writer.write(self._request())
            await self._read_head(reader)
            body = _Body()
            while not body.is_over:
                piece = await reader.read(_PIECE)
                if not piece:
                    raise ConnectionResetError  # before it has ended in order
                for part in body.take(piece):
                    self._take(part)
                self._changed.set()
            self.ended = True
            self._changed.set()
        finally:
            writer.transport.abort()

    def _request(self) -> bytes:
        headers = {"Host": "rollcall", "Accept": "text/event-stream", **self._headers}
        if self.last_id:
            headers["Last-Event-ID"] = self.last_id
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"GET {self.target} HTTP/1.1\r\n{lines}\r\n".encode()

    async def _read_head(self, reader: asyncio.StreamReader) -> None:
        self.head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status = int(self.head.split(" ", 2)[1])
        if status != HTTPStatus.OK or "text/event-stream" not in self.head:
            raise RefusedError(status, self.head, await reader.read(65_536))

    def _take(self, part: str) -> None:
        """Take in what stands between two empty lines, as the HTML standard has it."""
        event, data, identified = "message", "", False
        for line in part.split("\n"):
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "id":
                self.last_id, identified = value, True
            elif field == "event":
                event = value
            elif field == "data":
                data += value
            elif field == "retry":
                self._retry = int(value) / 1000
        if data:
            self.messages.append(Message(self.last_id, event, msgspec.json.decode(data), monotonic()))
        elif identified:
            self.beats += 1

    def note_end(self, reading: asyncio.Task[None]) -> None:
        """Note that nothing more will come."""
        self._failure = None if reading.cancelled() else reading.exception()
        self._changed.set()

    async def until(self, holds: Callable[["Viewer"], bool], patience: float = PATIENCE) -> None:
        """Wait until something holds that comes with what is read.

        Raises:
            TimeoutError: It did not.
            RefusedError: The answer is another one.
            OSError: The connection has broken.
        """
        try:
            async with asyncio.timeout(patience):
                while not holds(self):
                    if self._failure is not None:
                        raise self._failure
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"{len(self.messages)} messages came, the last ones {self.messages[-3:]}") from None

    def count(self, event: str) -> int:
        """Count the messages of a kind."""
        return sum(message.event == event for message in self.messages)


class _Body:
    """A chunked body as it comes in."""

    def __init__(self) -> None:
        self.is_over = False
        self._chunks = b""
        self._text = b""

    def take(self, piece: bytes) -> list[str]:
        """Take in what has come; gives what stands between two empty lines."""
        chunks, place = self._chunks + piece, 0
        texts = [self._text]
        while (end := chunks.find(b"\r\n", place)) >= 0:
            size = int(chunks[place:end], 16)
            if len(chunks) < end + size + 4:
                break
            texts.append(chunks[end + 2 : end + 2 + size])
            place = end + size + 4
            self.is_over = not size
        self._chunks = chunks[place:]
        *parts, self._text = b"".join(texts).split(b"\n\n")
        return [part.decode() for part in parts]


@contextlib.asynccontextmanager
async def viewing(viewer: Viewer) -> AsyncIterator[Viewer]:
    """Have a viewer read on one connection while the body runs."""
    reading = asyncio.create_task(viewer.read())
    reading.add_done_callback(viewer.note_end)
    try:
        yield viewer
    finally:
        reading.cancel()
        await asyncio.wait([reading])
