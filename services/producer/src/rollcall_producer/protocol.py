"""HTTP as it comes in: what can't be parsed or takes too much is answered as a problem and harms nobody else."""

import asyncio
from collections import deque
from http import HTTPStatus
from typing import Literal

import httptools
from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl
from uvicorn.server import ServerState

from rollcall_producer import metrics, problems
from rollcall_producer.connections import Connections, turning_away
from rollcall_producer.exchange import Exchange
from rollcall_producer.head import Head, lines
from rollcall_producer.patience import Patience
from rollcall_producer.problems import Problem
from rollcall_producer.transport import Flow, Wire

HEAD_LIMIT = 32_768
"""Bytes that a request line and its headers may have, and anything else but a body."""

_PIECE = 4096
"""Bytes that are parsed in one go. It bounds how many requests a client makes us hold by sending them all at once."""


class ProblemProtocol(asyncio.Protocol):
    """A connection that clients make who can't be trusted to behave; uvicorn looks after the server that it belongs to.

    One sweep a second over all connections sees to their time limits, rather than a timer with every request.

    Args:
        connections: All connections.
        config: The server's, as uvicorn gives it.
        server_state: The server's state, likewise.
    """

    def __init__(self, connections: Connections, config: Config, server_state: ServerState, **_: object) -> None:
        self._connections = connections
        self._limits = connections.limits
        self._server = server_state
        self._app: ASGIApp = config.loaded_app
        self._loop = asyncio.get_running_loop()
        self._patience = Patience(self._limits)
        self._head = Head()
        self.on_url, self.on_header = self._head.on_url, self._head.on_header
        self._parser = httptools.HttpRequestParser(self)
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)  # else such data costs the answer
        self._exchange: Exchange  # the latest, from the first request on
        self._is_used = False
        self._pipeline: deque[tuple[Exchange, ASGIApp]] = deque()
        self._awaiting: Literal["request", "head", "body", "end"] = "request"
        self._held = b""
        self._overhead = 0  # bytes since the last that belonged to a complete head or to a body
        self._refusal: Problem | None = None
        self._hung_up = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # asyncio's is wider
        """Take the connection in; if there are too many, to be turned away with its first request."""
        self._transport = transport
        self._wire = Wire(transport, self._hang_up)
        self._flow = Flow(transport, self._pipeline)
        self._addresses = get_local_addr(transport), get_remote_addr(transport)
        self._scheme = "https" if is_ssl(transport) else "http"
        self._server.connections.add(self)  # type: ignore[arg-type]  # uvicorn names its own protocols
        if not self._connections.add(self):
            self._app = turning_away(self._app)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the connection and of all that waits for it."""
        self._hung_up = True
        self._wire.cut()
        self._server.connections.discard(self)
        if self._is_used:
            self._exchange.disconnect()
        self._flow.resume_writing()
        if exc is None:
            self._transport.close()
        self._connections.remove(self)
        self._pipeline.clear()
        self._held = b""
        del self._parser  # which knows this connection: neither would go before the garbage is collected

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
        while held and not self._pipeline and self._awaiting != "end":
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
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                data = self._pass_by(offer, data)
            except httptools.HttpParserError:
                self._refuse(Problem(HTTPStatus.BAD_REQUEST, "malformed-request", "Invalid HTTP request received."))
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
            self._exchange.keep_alive = False
            return b""
        (offset,) = offer.args
        head = self._head.without_offer(self._parser.get_method(), self._parser.get_http_version().encode())
        return head + bytes(data[offset:])

    def on_message_begin(self) -> None:
        """Await the headers of a request whose first bytes are there."""
        self._head.begin()
        self._patience.renew()
        self._awaiting = "head"

    def on_headers_complete(self) -> None:
        """Start on a request, and await its body; but an offer to change to another protocol is to be passed by."""
        parser, method = self._parser, self._parser.get_method()
        if parser.should_upgrade() and method != b"CONNECT":
            return
        version = parser.get_http_version()
        scope = self._head.scope(method, version, self._scheme, *self._addresses)
        common = lines(*self._server.default_headers)
        exchange = Exchange(scope, self._wire, self._flow, common, self.on_response_complete)
        exchange.keep_alive = version != "1.0" and parser.should_keep_alive()
        exchange.waiting_for_100_continue = self._head.expects
        self._awaiting = "body"
        self._overhead = 0
        must_wait = self._is_answering()
        self._exchange, self._is_used = exchange, True
        if must_wait:
            self._flow.pause_reading()
            self._pipeline.appendleft((exchange, self._app))
        else:
            exchange.start(self._app, self._loop, self._server.tasks)

    def on_body(self, body: bytes) -> None:
        """Take in a part of a body, if it is still of interest."""
        self._overhead = 0
        self._patience.arrived += len(body)
        if self._exchange.response_complete:
            return
        self._exchange.feed(body)
        if self._exchange.held > HIGH_WATER_LIMIT:
            self._flow.pause_reading()

    def on_message_complete(self) -> None:
        """Await the next request."""
        if self._awaiting == "head":
            return
        self._exchange.finish()
        self._awaiting = "request"
        self._overhead = 0
        self._patience.renew()

    def on_response_complete(self) -> None:
        """Start on the request that waits next, if any, and read on."""
        self._patience.renew()
        if self._hung_up:
            return
        if self._pipeline:
            exchange, app = self._pipeline.pop()
            exchange.start(app, self._loop, self._server.tasks)
            self._parse_held()
        elif self._refusal is not None:
            self._answer(self._refusal)
            self._hang_up()
        self._flow.resume_reading()

    def eof_received(self) -> bool:
        """Keep the connection until its requests are answered: a caller may be done with sending before that."""
        exchange = self._exchange if self._is_answering() else None
        if exchange is None or exchange.endless or (exchange.more_body and not self._pipeline):
            return False
        self._exchange.keep_alive = False
        return True

    def pause_writing(self) -> None:
        """Note that the client does not read as fast as it is written to."""
        self._flow.pause_writing()

    def resume_writing(self) -> None:
        """Note that the client reads."""
        self._flow.resume_writing()
        self._patience.note_reading()

    def shutdown(self) -> None:
        """End the connection once what it has begun is answered, as the server is about to end."""
        if self._is_answering():
            self._exchange.keep_alive = False
        else:
            self._wire.close()

    def sweep(self) -> None:
        """Note that time has passed, and end if the client takes too much of it."""
        unread, added = self._transport.get_write_buffer_size(), self._wire.pushed
        self._wire.pushed = 0
        if unread:
            if self._patience.is_answer_untaken(unread, added):
                metrics.unread_answers.inc()
                self.abort()
        elif not self._flow.was_paused():  # time that passes while we read nothing is not the client's
            self._patience.wait()
            self._await_sender()

    def abort(self) -> None:
        """End the connection at once, whatever is under way."""
        self._transport.abort()

    def _await_sender(self) -> None:
        patience, limits = self._patience, self._limits
        if self._hung_up:
            if patience.has_waited(limits.linger):
                self.abort()
        elif self._awaiting == "body":
            if self._exchange.waiting_for_100_continue:
                patience.renew()
            elif patience.is_body_too_slow():
                self._time_out(f"the body must come at {limits.body_rate:g} bytes a second at the least")
        elif self._is_answering():
            patience.renew()
        elif self._awaiting == "head" or not self._is_used:
            if patience.has_waited(limits.head):
                self._time_out(f"the headers must be complete within {limits.head:g} s")
        elif patience.has_waited(limits.idle):
            self._hang_up()

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
        elif self._pipeline:
            self._exchange.keep_alive = False
            self._pipeline[0] = self._exchange, problem.response()
        elif self._exchange.response_started:
            self.abort()
        else:
            self._exchange.disconnect()
            self._answer(problem)
            self._hang_up()

    def _answer(self, problem: Problem) -> None:
        self._wire.write(problems.serialize(problem, self._server.default_headers))

    def _hang_up(self) -> None:
        """Close the connection in a way that the last answer arrives: to close it on unread bytes would reset it."""
        if self._hung_up:
            return
        self._hung_up = True
        self._wire.cut()
        if self._awaiting == "request" and not self._held and not self._flow.read_paused:
            self._transport.close()
            return
        self._awaiting = "end"
        self._patience.renew()
        self._held = b""
        self._pipeline.clear()
        if self._transport.can_write_eof():  # TLS knows no half of a connection; the client closes it, or the sweep
            self._transport.write_eof()
        self._flow.resume_reading()

    def _is_answering(self) -> bool:
        return self._is_used and not self._exchange.response_complete
