"""Requests to the outside world, to where the settings say and nowhere else."""

import ssl
from collections.abc import Collection

import httpx

from rollcall_consumer.errors import PermanentError

IDLE = 30.0
"""Seconds for which a connection is kept that nobody uses."""


def origin(url: str) -> str:
    """Give the part of an address that says who is there, such as `https://hooks.example:8443`."""
    parsed = httpx.URL(url)
    return f"{parsed.scheme}://{parsed.netloc.decode('ascii')}"


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


def client(origins: Collection[str], connections: int, timeout: float, ca_file: str | None = None) -> httpx.AsyncClient:
    """Make a client of HTTP that follows no redirects, and knows no proxies.

    Args:
        origins: Where requests may go.
        connections: How many there are at a time.
        timeout: Seconds to wait for a connection, and for each part of an answer.
        ca_file: PEM, who signs the certificates of the receivers; else whom certifi trusts.

    Raises:
        OSError: The file can't be read, or holds no certificates.
    """
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=IDLE)
    verify = ssl.create_default_context(cafile=ca_file) if ca_file else True
    transport = httpx.AsyncHTTPTransport(verify=verify, trust_env=False, limits=limits)
    return httpx.AsyncClient(transport=_Guard(transport, origins), timeout=timeout, trust_env=False)
