"""A receiver of webhooks that notes what it gets, and that can be taken away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from time import monotonic
from typing import NamedTuple

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rollcall_dev.kafka import ports
from rollcall_domain.service.server import serving
from rollcall_domain.service.settings import load
from rollcall_producer.settings import ProducerSettings

ANSWER = 0.02
"""Seconds that it takes it to answer."""


class Arrival(NamedTuple):
    """A message that was taken.

    Attributes:
        id: The message's id.
        student: Whom it is about.
        at: When it came, in seconds of the monotonic clock.
    """

    id: str
    student: str
    at: float


class Receiver:
    """Takes messages while it is there; while it is away, whoever connects is cut off, and counted.

    Attributes:
        port: Where it is.
        arrivals: What it has taken.
        knocks: When somebody has tried to connect while it was away, in seconds of the monotonic clock.
    """

    def __init__(self) -> None:
        self.port = ports.choose()
        self.arrivals: list[Arrival] = []
        self.knocks: list[float] = []

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{ports.HOST}:{self.port}/alerts"

    @contextlib.asynccontextmanager
    async def there(self) -> AsyncIterator[None]:
        """Take messages while the body runs."""
        settings = load(ProducerSettings, {"ROLLCALL_HOST": ports.HOST, "ROLLCALL_PORT": str(self.port)})
        app = Starlette(routes=[Route("/alerts", self._take, methods=["POST"])])
        async with serving(app, settings, grace=1):
            yield

    @contextlib.asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """Cut off whoever connects while the body runs."""
        async with await asyncio.start_server(self._cut, ports.HOST, self.port):
            yield

    async def _take(self, request: Request) -> Response:
        student = msgspec.json.decode(await request.body())["data"]["StudentId"]
        self.arrivals.append(Arrival(request.headers["webhook-id"], student, monotonic()))
        await asyncio.sleep(ANSWER)
        return Response(status_code=204)

    async def _cut(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.knocks.append(monotonic())
        writer.transport.abort()
