"""A request and its answer, as an application sees them: ASGI's `scope`, `receive` and `send`.

uvicorn's own takes half of what a request costs, being made for every application. Here a body's parts stay as they
came in, and what all answers of a second have in common is put together once.

To an answer that goes on for as long as the client likes, `send` is too much: one task for each client would have to
wake for each part. Whoever answers a GET finds the exchange itself in its scope, as `PUSH`, and may write to many of
them in one go.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

import structlog
from starlette.types import ASGIApp, Message, Scope
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from rollcall_producer.transport import Wire

log = structlog.get_logger()

PUSH = "rollcall.push"
"""What an exchange is called among the extensions of a scope."""

_LAST = b"0\r\n\r\n"
_BODILESS = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
_FAILED = [(b"content-length", b"0"), (b"connection", b"close")]


class Exchange:
    """A request and its answer.

    Args:
        scope: The request's head, in ASGI's words.
        wire: Where the answer goes.
        flow: Whether there is room for it, and for more of the request.
        common: The lines that the head of every answer has.
        on_complete: Is called once the answer is complete.

    Attributes:
        keep_alive: Whether the connection may serve another request afterwards.
        waiting_for_100_continue: Whether the client waits to be told that its body is wanted.
        held: Bytes of the body that nobody has received yet.
        more_body: Whether the request is still coming in.
        response_started: Whether a part of the answer is on its way.
        response_complete: Whether all of it is.
        disconnected: Whether the client will not get it.
        endless: Whether it goes on until the client hangs up.
    """

    keep_alive = True
    waiting_for_100_continue = False
    held = 0
    more_body = True
    response_started = False
    response_complete = False
    disconnected = False
    endless = False
    _task: asyncio.Task[None]
    _arrival: asyncio.Event | None = None
    _news = False
    _chunked = False
    _left = 0  # bytes of the answer that are to come, unless it is chunked

    def __init__(
        self, scope: Scope, wire: Wire, flow: FlowControl, common: bytes, on_complete: Callable[[], None]
    ) -> None:
        self._scope = scope
        self._wire = wire
        self._flow = flow
        self._common = common
        self._on_complete = on_complete
        self._parts: list[bytes] = []

    def start(self, app: ASGIApp, loop: asyncio.AbstractEventLoop, tasks: set[asyncio.Task[None]]) -> None:
        """Have an application answer, by a task that is among others while it does."""
        self._task = loop.create_task(self._run(app, tasks))
        tasks.add(self._task)

    async def _run(self, app: ASGIApp, tasks: set[asyncio.Task[None]]) -> None:
        if self._scope["method"] == "GET":
            self._scope["extensions"] = {PUSH: self}
        try:
            await app(self._scope, self.receive, self.send)
        except Exception as error:
            log.exception("Exception in ASGI application", exc_info=error)
        finally:
            tasks.discard(self._task)
            self._on_complete = _nothing  # it knows who holds this: neither would go before the garbage is collected
            self._scope.pop("extensions", None)  # as above
        if not self.response_complete and not self.disconnected:
            await self._fail()

    async def _fail(self) -> None:
        if self.response_started:
            self._wire.close()
            return
        await self.send({"type": "http.response.start", "status": 500, "headers": _FAILED})
        await self.send({"type": "http.response.body"})

    def feed(self, part: bytes) -> None:
        """Take in a part of the body."""
        self._parts.append(part)
        self.held += len(part)
        self._tell()

    def finish(self) -> None:
        """Take in the end of the request."""
        self.more_body = False
        self._tell()

    def disconnect(self) -> None:
        """Note that the client is gone, or has been answered by somebody else."""
        self.disconnected = not self.response_complete
        self._tell()

    def _tell(self) -> None:
        self._news = True
        if self._arrival is not None:
            self._arrival.set()

    async def receive(self) -> Message:
        """Give what has come in of the body, or that nothing will; wait for it if need be."""
        if self.waiting_for_100_continue and not self._wire.is_closing():
            self._wire.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False
        if self._flow.read_paused:
            self._flow.resume_reading()
        while not self._news:
            if self._arrival is None:
                self._arrival = asyncio.Event()
            self._arrival.clear()
            await self._arrival.wait()
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        self._news = False
        parts, self._parts, self.held = self._parts, [], 0
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    async def send(self, message: Message) -> None:
        """Send a part of the answer; wait for room if need be.

        Raises:
            RuntimeError: It is not as ASGI has it.
        """
        if self._flow.write_paused and not self.disconnected:
            await self._flow.drain()
        if self.disconnected:
            return
        if not self.response_started:
            self._start(message)
        elif not self.response_complete:
            self._go_on(message)
        else:
            raise RuntimeError(f"{message['type']} after the end of the answer")

    @property
    def is_over(self) -> bool:
        """Whether nothing of the answer will arrive any more, or all of it is written."""
        return self.disconnected or self.response_complete

    @property
    def is_stalled(self) -> bool:
        """Whether so much is written and not taken that the client is to be given time."""
        return self._flow.write_paused

    @property
    def unsent(self) -> int:
        """Bytes that are written and not taken."""
        return self._wire.transport.get_write_buffer_size()

    def hold_open(self, kept: int) -> None:
        """Have an answer that has begun go on by `push`, until the client hangs up.

        Args:
            kept: Bytes that the system is to keep at the most that are not on their way, where it can do that. By
                itself it keeps megabytes for a client who does not read.
        """
        self.endless = True
        connected = self._wire.transport.get_extra_info("socket")
        with suppress(AttributeError, OSError):
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, kept)

    def push(self, part: bytes) -> None:
        """Write a part of an answer that has begun, without waiting for room.

        Args:
            part: What `chunk` has made of it, or several such one behind the other.
        """
        if part and not (self.is_over or self._wire.is_closing()):
            self._wire.pushed += len(part)
            self._wire.write(part)

    async def drain(self) -> None:
        """Wait until the client has taken so much that there is room."""
        await self._flow.drain()

    def end(self) -> None:
        """End an answer that went on by `push`, and the connection with it."""
        if not self.is_over:
            self.push(_LAST)
            self.keep_alive = False
            self._complete()

    def abort(self) -> None:
        """End the connection at once, whatever is under way."""
        self._wire.transport.abort()

    def _start(self, message: Message) -> None:
        if message["type"] != "http.response.start":
            raise RuntimeError(f"{message['type']} before the begin of an answer")
        status, headers = message["status"], message.get("headers", ())
        lines = [STATUS_LINE[status], self._common]
        has_length, closing = False, not self.keep_alive
        for name, value in headers:
            if b"\n" in value or b"\r" in value:
                raise RuntimeError(f"the header {name.decode()} has a line break")
            lines += (name, b": ", value, b"\r\n")
            if name == b"content-length":
                has_length, self._left = True, int(value)
            elif name == b"connection" and value.lower() == b"close":
                self.keep_alive = closing = False
        if closing:
            lines.append(b"connection: close\r\n")
        if not has_length and self._scope["method"] != "HEAD" and status not in _BODILESS:
            self._chunked = True
            lines.append(b"transfer-encoding: chunked\r\n")
        lines.append(b"\r\n")
        self.response_started = True
        self.waiting_for_100_continue = False
        self._wire.write(b"".join(lines))

    def _go_on(self, message: Message) -> None:
        if message["type"] != "http.response.body":
            raise RuntimeError(f"{message['type']} in the midst of an answer")
        body, more = message.get("body", b""), message.get("more_body", False)
        if self._scope["method"] == "HEAD":
            self._left, body = 0, b""
        elif self._chunked:
            body = chunk(body) + (b"" if more else _LAST)
        else:
            self._left -= len(body)
        if self._left < 0 or (self._left and not more):
            raise RuntimeError("the answer has not the length that its head says")
        if body:
            self._wire.write(body)
        if not more:
            self._complete()

    def _complete(self) -> None:
        self.response_complete = True
        self._tell()
        if self._chunked and self.more_body:  # something broke: nobody wants the rest, and callers will not send it
            self.keep_alive = False
        if not self.keep_alive:
            self._wire.close()
        self._on_complete()


def _nothing() -> None:
    pass


def chunk(part: bytes) -> bytes:
    """Frame a part of an answer whose length is not known beforehand."""
    return b"%x\r\n%b\r\n" % (len(part), part) if part else b""
