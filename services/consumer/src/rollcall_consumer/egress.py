"""Requests to the outside world, to where the settings say and nowhere else."""

import ssl
from collections.abc import AsyncIterator, Callable, Collection
from itertools import chain

import certifi
import httpx

from rollcall_consumer.errors import PermanentError

IDLE = 30.0
"""Seconds for which a connection is kept that nobody uses."""


def origin(url: str) -> str:
    """Give the part of an address that says who is there, such as `https://hooks.example:8443`."""
    parsed = httpx.URL(url)
    return f"{parsed.scheme}://{parsed.netloc.decode('ascii')}"


class _Lent(httpx.AsyncByteStream):
    """The body of an answer, whose connection goes back to the pool with it."""

    def __init__(self, stream: httpx.AsyncByteStream, give_back: Callable[[], None]) -> None:
        self._stream = stream
        self._give_back = give_back

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()
        self._give_back()


class _Pool(httpx.AsyncBaseTransport):
    """Connections, each of which is used for one request at a time; the one that was used last is the next.

    httpx's own pool looks at all of its connections for each request, at their sockets as well: with some hundred of
    them that takes milliseconds.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._free: dict[str, list[httpx.AsyncHTTPTransport]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        free = self._free.setdefault(origin(str(request.url)), [])
        connection = free.pop() if free else self._make()
        try:
            response = await connection.handle_async_request(request)
        except BaseException:
            free.append(connection)
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - it is no other
        response.stream = _Lent(response.stream, lambda: free.append(connection))
        return response

    def _make(self) -> httpx.AsyncHTTPTransport:
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE)
        return httpx.AsyncHTTPTransport(verify=self._context, trust_env=False, limits=limits)

    async def aclose(self) -> None:
        for connection in chain.from_iterable(self._free.values()):
            await connection.aclose()


class _Guard(httpx.AsyncBaseTransport):
    """Lets requests to these origins through alone, whatever addresses they come by."""

    def __init__(self, transport: httpx.AsyncBaseTransport, origins: Collection[str]) -> None:
        self._transport = transport
        self._origins = origins

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        found = origin(str(request.url))
        if found not in self._origins:
            raise PermanentError(f"{found} is no place that the settings name")
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        await self._transport.aclose()


def client(origins: Collection[str], timeout: float, ca_file: str | None = None) -> httpx.AsyncClient:
    """Make a client of HTTP that follows no redirects, and knows no proxies. It has as many connections as it needs.

    Args:
        origins: Where requests may go.
        timeout: Seconds to wait for a connection, and for each part of an answer.
        ca_file: PEM, who signs the certificates of the receivers; else whom certifi trusts.

    Raises:
        OSError: The file can't be read, or holds no certificates.
    """
    context = ssl.create_default_context(cafile=ca_file or certifi.where())
    return httpx.AsyncClient(transport=_Guard(_Pool(context), origins), timeout=timeout, trust_env=False)
