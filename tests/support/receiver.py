"""A receiver of webhooks that answers as it is told to."""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rollcall_domain.service.server import HttpOptions, serving
from support.services import PATIENCE, Environment


class Call(NamedTuple):
    """A request that was received.

    Attributes:
        path: Where it went.
        headers: Its headers.
        body: What it says.
        at: When it came, in seconds of the event loop's clock.
        client: The port of the connection that it came by.
    """

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float
    client: int

    @property
    def id(self) -> str:
        """The message's id."""
        return self.headers["webhook-id"]

    @property
    def student(self) -> str:
        """Whom it is about."""
        return str(msgspec.json.decode(self.body)["data"]["StudentId"])


Answer = Callable[[Call], Response]


class Receiver:
    """Receives requests.

    Attributes:
        url: Where.
        calls: All that came.
        taken: Those that were answered with success.
        answer: Gives the answer to a request.
    """

    def __init__(self) -> None:
        self.url = ""
        self.calls: list[Call] = []
        self.taken: list[Call] = []
        self.answer: Answer = lambda _: Response(status_code=204)
        self._changed = asyncio.Condition()

    def say(self, *answers: Response) -> None:
        """Give these answers, one after the other, and then success."""
        left = deque(answers)
        self.answer = lambda _: left.popleft() if left else Response(status_code=204)

    async def take(self, request: Request) -> Response:
        """Answer a request."""
        at, client = asyncio.get_running_loop().time(), request.client.port if request.client else 0
        call = Call(request.url.path, dict(request.headers), await request.body(), at, client)
        self.calls.append(call)
        answer = self.answer(call)
        if answer.status_code < 300:
            self.taken.append(call)
        async with self._changed:
            self._changed.notify_all()
        return answer

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds that requests bring about."""
        try:
            async with asyncio.timeout(PATIENCE), self._changed:
                await self._changed.wait_for(holds)
        except TimeoutError:
            raise AssertionError(
                f"it did not come to that; {len(self.calls)} came, the last: {self.calls[-3:]}"
            ) from None

    async def has_taken(self, count: int) -> list[Call]:
        """Wait until so many were answered with success."""
        await self.until(lambda: len(self.taken) >= count)
        return self.taken


@asynccontextmanager
async def receiving(tls: ssl.SSLContext | None = None, port: int = 0) -> AsyncIterator[Receiver]:
    """Receive requests while the body runs."""
    receiver = Receiver()
    app = Starlette(routes=[Route("/{path:path}", receiver.take, methods=["POST"])])
    settings = Environment("localhost:1", "").consumer(port=port)
    async with serving(app, settings, grace=1, http=HttpOptions(tls=tls)) as receiver.url:
        yield receiver
