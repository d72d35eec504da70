"""`GET /Record/Stream`: what happens, as server-sent events.

A plain ASGI endpoint: it does not end, and is written to by others.
"""

from starlette.types import Receive, Send
from starlette.types import Scope as HttpScope

from rollcall_domain.service.health import HEADERS
from rollcall_producer.access import Access
from rollcall_producer.exchange import PUSH
from rollcall_producer.stream.asked import read
from rollcall_producer.stream.stream import Stream
from rollcall_producer.tokens import Scope

STREAM_ROUTE = "/Record/Stream"

EVENT_STREAM = "text/event-stream"

_HEADERS = [
    (name.lower().encode(), value.encode())
    for name, value in {"Content-Type": EVENT_STREAM, "X-Accel-Buffering": "no", **HEADERS}.items()
]


class GetStream:
    """The endpoint."""

    def __init__(self, stream: Stream, access: Access) -> None:
        self._stream = stream
        self._access = access

    async def __call__(self, scope: HttpScope, receive: Receive, send: Send) -> None:
        """Answer a request.

        Raises:
            Problem: It is not allowed, or can't be answered.
        """
        scope["caller"] = self._access.admit(scope["headers"], Scope.READ)
        asked = read(scope, self._stream.partitions)
        if scope["method"] == "GET":
            self._stream.check(asked.begin)
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        if scope["method"] == "GET":
            await self._stream.show(scope["extensions"][PUSH], asked, receive)
        else:
            await send({"type": "http.response.body"})
