"""Serving HTTP inside a service that has other work as well."""

import asyncio
import contextlib
import math
import socket
import ssl
import sys
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
        listener: Where connections come in, if somebody else listens already, and has said so.
    """

    protocol: Callable[..., asyncio.Protocol] = HttpToolsProtocol
    proxies: Sequence[str] = ()
    tls: ssl.SSLContext | None = None
    listener: socket.socket | None = None


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
    tls = http.tls
    listener = http.listener or listen(settings)[0]
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
        url = url_of(listener, tls)
        if http.listener is None:
            log.info("Serving HTTP", url=url)
        yield url
    finally:
        server.should_exit = True
        await serve


def listen(settings: ServiceSettings, processes: int = 1) -> list[socket.socket]:
    """Listen where the settings say.

    Several processes get a socket each where the kernel spreads connections over them (Linux). Where it does not, or
    where there is but one socket, whoever is awake takes all that have come in, and that may always be the same one.

    Args:
        settings: The service's settings.
        processes: How many processes are to serve there.

    Returns:
        A socket for each process; or the same one for all of them.

    Raises:
        ConfigurationError: The address can't be listened on.
    """
    if processes == 1 or sys.platform != "linux":
        return [_listen(settings.host, settings.port)] * processes
    with _bind(settings.host, settings.port) as free:  # sharing would also let in processes of another service
        port = free.getsockname()[1]
    return [_listen(settings.host, port, share=True) for _ in range(processes)]


def _listen(host: str, port: int, *, share: bool = False) -> socket.socket:
    listener = _bind(host, port, share=share)
    try:
        listener.listen(BACKLOG)  # from here on callers wait, and are not refused
    except OSError as error:
        raise _taken(listener, host, port, error) from error
    return listener


def _bind(host: str, port: int, *, share: bool = False) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise ConfigurationError(env_name("host"), f"can't listen on {host}: {error.strerror}") from error
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(address)
    except OSError as error:
        raise _taken(bound, host, port, error) from error
    return bound


def _taken(bound: socket.socket, host: str, port: int, error: OSError) -> ConfigurationError:
    bound.close()
    return ConfigurationError(env_name("port"), f"can't listen on {host}:{port}: {error.strerror}")


def url_of(listener: socket.socket, tls: ssl.SSLContext | None) -> str:
    """Give the address of a socket that listens, such as `http://127.0.0.1:8000`."""
    scheme = "http" if tls is None else "https"
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
