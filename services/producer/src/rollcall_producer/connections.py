"""The connections that are open: how many there may be, and what each may take up."""

import asyncio
import resource
from contextlib import suppress
from typing import Protocol

import msgspec
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rollcall_domain.service.health import HEALTH_PATHS
from rollcall_producer import metrics, problems

log = structlog.get_logger()

SURPLUS = 256
"""Connections beyond the capacity that are held at a time, each for as long as it takes to turn it away."""

_OTHERS = 128
"""File descriptors for all else: Kafka's connections, logs, the listener."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a client may take its time for. All times are in seconds.

    Attributes:
        head: From the begin of a connection or request to the end of its headers.
        body: The time over which the speed of a body is measured, first from the begin of its request.
        body_rate: The least speed of a body, in bytes a second.
        answer: How long nothing of an answer may be taken.
        idle: From an answer to the next request. Load balancers keep idle connections for 60 s by default, and it
            should be they who close them: a request that meets a closed connection fails.
        linger: From our end of a connection to the client's.
        sweep: The time between two looks at all connections, and so how much later than said a time is up.
    """

    head: float = 10.0
    body: float = 10.0
    body_rate: float = 1024.0
    answer: float = 10.0
    idle: float = 65.0
    linger: float = 2.0
    sweep: float = 1.0


DEFAULT_LIMITS = Limits()


class Connection(Protocol):
    """A connection as far as its place among the others goes."""

    def sweep(self) -> None:
        """Note that time has passed, and end if its limits are exceeded."""

    def abort(self) -> None:
        """End at once."""


class Connections:
    """All connections that are open.

    Attributes:
        limits: What each may take its time for.
    """

    def __init__(self, capacity: int, limits: Limits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self._capacity = capacity
        self._admitted: set[Connection] = set()
        self._surplus: dict[Connection, None] = {}

    def add(self, connection: Connection) -> bool:
        """Take a new connection in.

        Returns:
            Whether it is within the capacity. One that is not is to be turned away with its first request, and may be
            aborted before that in favour of a newer one.
        """
        metrics.connections.inc()
        if len(self._admitted) < self._capacity:
            self._admitted.add(connection)
            return True
        if len(self._surplus) >= SURPLUS:
            oldest = next(iter(self._surplus))
            del self._surplus[oldest]
            oldest.abort()
        self._surplus[connection] = None
        return False

    def remove(self, connection: Connection) -> None:
        """Let a connection go that has ended."""
        metrics.connections.dec()
        self._admitted.discard(connection)
        self._surplus.pop(connection, None)

    async def watch(self) -> None:
        """Sweep through the connections again and again, for ever.

        One timer for all costs a request nothing.
        """
        while True:
            await asyncio.sleep(self.limits.sweep)
            for connection in (*self._admitted, *self._surplus):
                try:
                    connection.sweep()
                except Exception:
                    log.exception("A connection failed")  # and the others are to be watched on
                    connection.abort()


def make_room(wanted: int) -> int:
    """Raise the process's limit of file descriptors as far as a number of connections needs it, and as is allowed.

    Returns:
        How many connections there is room for: those wanted, or fewer.
    """
    needed = wanted + SURPLUS + _OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if not _within(needed, soft):
        soft = needed if _within(needed, hard) else hard
        with suppress(OSError, ValueError):  # where the system has a further limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _within(needed, soft):
        return wanted
    room = max(1, soft - SURPLUS - _OTHERS)
    log.warning("Fewer connections than set, for want of file descriptors", connections=room, set=wanted, limit=soft)
    return room


def _within(number: int, limit: int) -> bool:
    return limit == resource.RLIM_INFINITY or number <= limit


def turning_away(app: ASGIApp) -> ASGIApp:
    """Answer the only request of a connection that is one too many. Whoever asks for our health is told."""

    async def turn_away(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_last(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        if scope["path"] in HEALTH_PATHS:
            await app(scope, receive, send_last)
        else:
            problem = problems.unavailable(
                "too-many-connections", "too many connections are open; nothing was read", "not-written"
            )
            await problem.response()(scope, receive, send_last)

    return turn_away
