"""HTTP as it comes in: what can't be parsed or takes too much is answered as a problem and harms nobody else."""

import asyncio
from http import HTTPStatus
from typing import Any, Literal, cast

import httptools
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from rollcall_domain.service.health import HEALTH_PATHS
from rollcall_producer import metrics, problems
from rollcall_producer.connections import Connections
from rollcall_producer.problems import Problem
from rollcall_producer.transport import Flow, Wire

HEAD_LIMIT = 32_768
"""Bytes that a request line and its headers may have, and anything else but a body."""

_PIECE = 4096
"""Bytes that are parsed in one go. It bounds how many requests a client makes us hold by sending them all at once."""


class ProblemProtocol(HttpToolsProtocol):
    """uvicorn's protocol, for clients that can't be trusted to behave.

    One sweep a second over all connections sees to their time limits; uvicorn would set a timer with every request.
    """

    def __init__(self, connections: Connections, **options: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(**options)
        self._connections = connections
        self._limits = connections.limits
        self._awaiting: Literal["request", "head", "body", "end"] = "request"
        self._held = b""
        self._overhead = 0  # bytes since the last that belonged to a complete head or to a body
        self._waited = 0.0
        self._arrived = 0
        self._unread = 0
        self._unread_for = 0.0
        self._refusal: Problem | None = None
        self._hung_up = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """Take the connection in; if there are too many, to be turned away with its first request."""
        super().connection_made(transport)
        self._transport = transport
        self._wire = Wire(transport, self._hang_up)
        self.transport = cast("asyncio.Transport", self._wire)
        self.flow: Flow = Flow(transport, self.pipeline)
        if not self._connections.add(self):
            self.app = self._turn_away

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the connection and of all that waits for it."""
        self._hung_up = True
        self._wire.cut()
        super().connection_lost(exc)
        self._connections.remove(self)
        self.pipeline.clear()
        self._held = b""

    def data_received(self, data: bytes) -> None:
        """Parse what has come in, in pieces, as far as no request has to wait for its turn."""
        if self._awaiting == "end":
            return
        if len(data) <= _PIECE and self._overhead + len(data) < HEAD_LIMIT:  # nearly always
            self._overhead += len(data)
            self._parse(data)
        else:
            self._held += data
            self._parse_held()

    def _parse_held(self) -> None:
        held = memoryview(self._held)
        while held and not self.pipeline and self._awaiting != "end":
            room = HEAD_LIMIT - self._overhead
            if not room:
                detail = f"the request line and headers may have {HEAD_LIMIT} bytes at the most"
                self._refuse(Problem(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "headers-too-large", detail))
                break
            size = min(_PIECE, room, len(held))
            self._overhead += size
            self._parse(held[:size])
            held = held[size:]
        self._held = b"" if self._awaiting == "end" else bytes(held)

    def _parse(self, data: bytes | memoryview) -> None:
        while data:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                data = self._pass_by(offer, data)
            except httptools.HttpParserError:
                detail = "Invalid HTTP request received."
                self._refuse(Problem(HTTPStatus.BAD_REQUEST, "malformed-request", detail))
                return
            else:
                return

    def _pass_by(self, offer: httptools.HttpParserUpgrade, data: bytes | memoryview) -> bytes:
        """Give what is to be parsed in place of an offer to change to another protocol: the same without the offer.

        The parser ends at such an offer, and would lose the body behind it. Java's own HTTP client makes it with every
        first request.
        """
        if self._awaiting != "head":  # CONNECT, which was answered as the application sees fit
            self._awaiting = "end"
            self.cycle.keep_alive = False
            return b""
        self.headers = [header for header in self.headers if header[0] != b"upgrade"]
        head = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())]
        head += [b"%b: %b" % header for header in self.headers]
        (offset,) = offer.args
        return b"\r\n".join((*head, b"", bytes(data[offset:])))

    def on_message_begin(self) -> None:
        """Await the headers of a request whose first bytes are there."""
        super().on_message_begin()
        self._awaiting = "head"
        self._waited = 0.0
        self._arrived = 0

    def on_headers_complete(self) -> None:
        """Start on a request, and await its body; but an offer to change to another protocol is to be passed by."""
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            return
        super().on_headers_complete()
        self._awaiting = "body"
        self._overhead = 0
        self.headers = []  # for trailers, which are read by nobody

    def on_body(self, body: bytes) -> None:
        """Take in a part of a body."""
        super().on_body(body)
        self._overhead = 0
        self._arrived += len(body)

    def on_message_complete(self) -> None:
        """Await the next request."""
        if self._awaiting == "head":
            return
        super().on_message_complete()
        self._awaiting = "request"
        self._overhead = 0
        self._waited = 0.0

    def on_response_complete(self) -> None:
        """Start on the request that waits next, if any, and read on."""
        self._waited = 0.0
        if self._hung_up:
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            self._parse_held()
        elif self._refusal is not None:
            self._answer(self._refusal)
            self._hang_up()
        self.flow.resume_reading()

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio's own signature, which uvicorn narrows
        """Keep the connection until its requests are answered: a caller may be done with sending before that."""
        if not self._is_answering() or (self.cycle.more_body and not self.pipeline):
            return False
        self.cycle.keep_alive = False
        return True

    def resume_writing(self) -> None:
        """Note that the client reads."""
        super().resume_writing()
        self._unread = 0

    def sweep(self) -> None:
        """Note that time has passed, and end if the client takes too much of it."""
        unread = self._transport.get_write_buffer_size()
        if unread:
            self._await_reader(unread)
        elif self.flow.has_paused:  # time that passes while we read nothing is not the client's
            self.flow.has_paused = self.flow.read_paused
        else:
            self._waited += self._limits.sweep
            self._await_sender()

    def abort(self) -> None:
        """End the connection at once, whatever is under way."""
        self._transport.abort()

    def _await_reader(self, unread: int) -> None:
        self._unread_for = self._unread_for + self._limits.sweep if unread >= self._unread > 0 else 0.0
        self._unread = unread
        if self._unread_for > self._limits.answer:
            metrics.unread_answers.inc()
            self.abort()

    def _await_sender(self) -> None:
        if self._hung_up:
            if self._waited > self._limits.linger:
                self.abort()
        elif self._awaiting == "body":
            self._await_body()
        elif self._is_answering():
            self._waited = 0.0
        elif self._awaiting == "head" or self.cycle is None:
            if self._waited > self._limits.head:
                self._time_out(f"the headers must be complete within {self._limits.head:g} s")
        elif self._waited > self._limits.idle:
            self._hang_up()

    def _await_body(self) -> None:
        if self.cycle.waiting_for_100_continue:
            self._waited = 0.0
        elif self._waited > self._limits.body:
            if self._arrived < self._limits.body_rate * self._limits.body:
                self._time_out(f"the body must come at {self._limits.body_rate:g} bytes a second at the least")
            self._waited = 0.0
            self._arrived = 0

    def _time_out(self, detail: str) -> None:
        self._refuse(Problem(HTTPStatus.REQUEST_TIMEOUT, "request-timeout", detail))

    def _refuse(self, problem: Problem) -> None:
        """Answer a request in place of the application, and hang up; but not before earlier requests are answered."""
        in_body, self._awaiting = self._awaiting == "body", "end"
        if not self._is_answering():
            if not in_body:
                self._answer(problem)
            self._hang_up()
        elif not in_body:
            self._refusal = problem
        elif self.pipeline:
            self.cycle.keep_alive = False
            self.pipeline[0] = (self.cycle, cast("Any", problem.response()))
        elif self.cycle.response_started:
            self.abort()
        else:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self._answer(problem)
            self._hang_up()

    def _answer(self, problem: Problem) -> None:
        self._wire.write(problems.serialize(problem, self.server_state.default_headers))

    def _hang_up(self) -> None:
        """Close the connection in a way that the last answer arrives: to close it on unread bytes would reset it."""
        if self._hung_up:
            return
        self._hung_up = True
        self._wire.cut()
        if self._awaiting == "request" and not self._held and not self.flow.read_paused:
            self._transport.close()
            return
        self._awaiting = "end"
        self._waited = 0.0
        self._held = b""
        self.pipeline.clear()
        if self._transport.can_write_eof():  # TLS knows no half of a connection; the client closes it, or the sweep
            self._transport.write_eof()
        self.flow.resume_reading()

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    async def _turn_away(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the only request of a connection that is one too many. Whoever asks for our health is told."""

        async def send_last(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        if scope["path"] in HEALTH_PATHS:
            await self.config.loaded_app(scope, receive, send_last)
        else:
            problem = problems.unavailable(
                "too-many-connections", "too many connections are open; nothing was read", "not-written"
            )
            await problem.response()(scope, receive, send_last)
