"""What is told of each request: a count of its kind, and a line in the log unless there are too many."""

import asyncio
from time import monotonic

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rollcall_producer import metrics
from rollcall_producer.accesslog import AccessLog

OTHER = "other"
"""In place of a path that is no route's, and of a method that nobody uses: callers make up any number of them."""

PUBLISHING = 0.1
"""Seconds until what was counted on the hot path can be seen."""

PUT_ROUTE = "/Record/Update"

_PROBES = {"/livez", "/readyz"}
"""Routes that are asked all the time, and not logged."""

_METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}


class Traffic:
    """Is told of each request once it is answered.

    Args:
        log_rate: How many lines a second the log gets.
    """

    def __init__(self, log_rate: float) -> None:
        self._log = AccessLog(log_rate)
        self._accepted = 0
        self._accepted_puts = metrics.requests.labels(PUT_ROUTE, "PUT", 200)

    def accept(self, scope: Scope, began: float) -> None:
        """Report a PUT that was answered 200: the hot path, where a metric would take up to 2 µs by itself."""
        self._accepted += 1
        self._log.tell(scope, 200, began)

    def report(self, scope: Scope, route: str, status: int, began: float) -> None:
        """Report any other request.

        Args:
            scope: The request.
            route: Its route's path.
            status: The HTTP status of the answer, or 0 if there was none.
            began: When it came in, in seconds of the monotonic clock.
        """
        method = scope["method"]
        metrics.requests.labels(route, method if method in _METHODS else OTHER, status).inc()
        if route not in _PROBES:
            self._log.tell(scope, status, began)

    async def publish(self) -> None:
        """Have metrics show what was counted on the hot path, until cancelled."""
        try:
            while True:
                await asyncio.sleep(PUBLISHING)
                self._publish()
        finally:
            self._publish()

    def _publish(self) -> None:
        self._accepted_puts.inc(self._accepted)
        self._accepted = 0


class Observed:
    """An application whose requests are reported, by the route that Starlette finds for them.

    Args:
        app: The application.
        traffic: Who is told.
    """

    def __init__(self, app: ASGIApp, traffic: Traffic) -> None:
        self._app = app
        self._traffic = traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        status, began = 0, monotonic()

        async def observe(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, observe)
        finally:
            self._traffic.report(scope, getattr(scope.get("route"), "path", OTHER), status, began)
