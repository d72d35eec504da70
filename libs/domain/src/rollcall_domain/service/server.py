"""Serving HTTP inside a service that has other work as well."""

import asyncio
import contextlib
import math
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from rollcall_domain.errors import ConfigurationError
from rollcall_domain.service.settings import ServiceSettings, env_name

log = structlog.get_logger()

BACKLOG = 2048
"""Connections that may wait to be accepted."""


ACCEPTS = 16
"""Connections that are accepted in one pass of the event loop: uvloop accepts one for each socket that listens."""


class _Server(uvicorn.Server):
    """uvicorn without its hands on the signals: the service decides when to end, and with which status."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(frozen=True)
class HttpOptions:
    """How HTTP is spoken.

    Attributes:
        protocol: What reads and writes it; takes uvicorn's arguments.
        proxies: Addresses and networks of proxies that are believed whom they speak for.
        tls: The certificate to show, for HTTPS.
    """

    protocol: Callable[..., asyncio.Protocol] = HttpToolsProtocol
    proxies: Sequence[str] = ()
    tls: ssl.SSLContext | None = None


@contextlib.asynccontextmanager
async def serving(
    app: ASGIApp, settings: ServiceSettings, *, grace: float, http: HttpOptions = HttpOptions()
) -> AsyncIterator[str]:
    """Serve an application while the body runs; then take no more requests and finish those in hand.

    Args:
        app: The application.
        settings: Where to listen.
        grace: Seconds that requests in hand get to finish at the end.
        http: How HTTP is spoken.

    Yields:
        The address, such as `http://127.0.0.1:8000`.

    Raises:
        ConfigurationError: The address can't be listened on.
    """
    listener, tls = _listen(settings.host, settings.port), http.tls
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        interface="asgi3",
        lifespan="off",
        backlog=BACKLOG,
        server_header=False,
        http=http.protocol,  # type: ignore[arg-type]  # uvicorn asks for a class, and calls it
        ws="none",
        proxy_headers=bool(http.proxies),  # wraps every request
        forwarded_allow_ips=list(http.proxies),
        timeout_graceful_shutdown=math.ceil(grace),
        ssl_context_factory=None if tls is None else lambda *_: tls,
    )
    server = _Server(config)
    acceptors = [listener, *(listener.dup() for _ in range(ACCEPTS - 1))]
    serve = asyncio.create_task(server.serve(sockets=acceptors), name="http")
    try:
        url = _url("http" if tls is None else "https", listener)
        log.info("Serving HTTP", url=url)
        yield url
    finally:
        server.should_exit = True
        await serve


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise ConfigurationError(env_name("host"), f"can't listen on {host}: {error.strerror}") from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)  # from here on callers wait, and are not refused
    except OSError as error:
        listener.close()
        raise ConfigurationError(env_name("port"), f"can't listen on {host}:{port}: {error.strerror}") from error
    return listener


def _url(scheme: str, listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
