"""The producer as a process: the API over lanes over Kafka, brought up and down in order."""

import asyncio
import contextlib
import gc
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from functools import partial
from ipaddress import ip_network
from types import ModuleType
from typing import Any, NamedTuple

import structlog
from starlette.types import ASGIApp

from rollcall_domain.errors import ConfigurationError
from rollcall_domain.service.provision import topic_name
from rollcall_domain.service.server import HttpOptions, serving
from rollcall_domain.service.settings import env_name
from rollcall_domain.topics import STUDENT
from rollcall_producer import access, cors, tls
from rollcall_producer.app import create_app
from rollcall_producer.connections import DEFAULT_LIMITS, Connections, Limits, make_room
from rollcall_producer.ingest import Ingest
from rollcall_producer.journal import Journal
from rollcall_producer.lanes import Lanes
from rollcall_producer.protocol import ProblemProtocol
from rollcall_producer.rate import RateLimit
from rollcall_producer.settings import ProducerSettings
from rollcall_producer.shown import Shown, file_of
from rollcall_producer.traffic import Traffic
from rollcall_producer.worker import Worker

log = structlog.get_logger()

ANSWERING = 1.0
"""Seconds beyond the deadline in which the last answers leave."""


class Edge(NamedTuple):
    """How requests come in.

    Attributes:
        access: Who may do what.
        tls: The certificate to show, or None for plain HTTP.
        origins: Origins whose pages may call.
        proxies: Proxies that are believed whom they speak for.
        tracing: What makes spans of requests, or None if nobody wants them.
    """

    access: access.Access
    tls: ssl.SSLContext | None
    origins: list[str]
    proxies: list[str]
    tracing: ModuleType | None


def configure(settings: ProducerSettings) -> Edge:
    """Set up how requests come in.

    Raises:
        ConfigurationError: A setting, or a file that one names, can't be used.
    """
    return Edge(
        access.configured(settings),
        tls.server_context(settings),
        cors.parse_origins(settings.cors_origins),
        _proxies(settings.trusted_proxies),
        _tracing() if settings.otel else None,
    )


def _tracing() -> ModuleType:
    try:
        from rollcall_producer import tracing  # noqa: PLC0415 - what it imports may be missing
    except ModuleNotFoundError as error:
        fault = f"needs the extra rollcall-producer[otel]: there is no {error.name}"
        raise ConfigurationError(env_name("otel"), fault) from error
    return tracing


async def serve(
    settings: ProducerSettings,
    stopping: asyncio.Event,
    worker: Worker | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> None:
    """Serve until the event is set; then finish the requests in hand.

    Args:
        settings: The service's settings. What they limit is limited for all workers together.
        stopping: The event.
        worker: Which one of several this process is, or None if it is the only one.
        limits: What a client may take its time for.

    Raises:
        TopicMismatchError: The topic is not laid out as declared (within an ExceptionGroup).
        ConfigurationError: A setting, or a file that one names, can't be used; or the address can't be listened on
            (within an ExceptionGroup).
    """
    edge = configure(settings)
    edge.access.reload_on_hangup()
    journal = Journal(settings)
    connections = Connections(make_room(max(1, settings.connections // settings.workers)), limits)
    traffic = Traffic(settings.access_log_rate / settings.workers)
    limit = settings.in_flight_bytes // settings.workers
    with file_of(settings) as path:
        shown = Shown(settings, path) if settings.views else None
        steps = [journal.run(), connections.watch(), traffic.publish(), *([] if shown is None else [shown.run()])]
        if worker is not None:
            worker.heed_signals(stopping)
            steps.append(worker.report(journal.connected))
        async with _background(steps), Lanes(journal, settings.partitions, settings.deadline_seconds, limit) as lanes:
            app = create_app(
                Ingest(lanes),
                partial(_fault, lanes, shown, stopping),
                edge.access,
                traffic,
                limit=RateLimit(settings.rate_per_client, worker) if settings.rate_per_client else None,
                origins=edge.origins,
                patience=settings.deadline_seconds,
                reads=[] if shown is None else shown.routes(edge.access),
            )
            listener = None if worker is None else socket.socket(fileno=worker.listener)
            http = HttpOptions(partial(ProblemProtocol, connections), edge.proxies, edge.tls, listener)
            await _answer(app, edge, settings, http, partial(_wind_up, shown, settings, stopping))
    log.info("Stopped")


@contextlib.asynccontextmanager
async def _background(steps: Iterable[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Have steps taken while the body runs."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(step) for step in steps]
        yield
        for task in running:
            task.cancel()


async def _answer(
    app: ASGIApp, edge: Edge, settings: ProducerSettings, http: HttpOptions, stopped: Callable[[], Awaitable[None]]
) -> None:
    """Answer requests until that is over, and those that are in hand then."""
    _spare_the_collector()
    async with (
        _traced(app, edge, settings) as outer,
        serving(outer, settings, grace=settings.deadline_seconds + ANSWERING, http=http),
    ):
        await stopped()


async def _wind_up(shown: Shown | None, settings: ProducerSettings, stopping: asyncio.Event) -> None:
    """Wait for the event, and then for as long as load balancers need; end what would go on for ever."""
    await stopping.wait()
    log.info("Shutting down")
    await asyncio.sleep(settings.shutdown_delay_seconds)
    if shown is not None:
        await shown.close()


@contextlib.asynccontextmanager
async def _traced(app: ASGIApp, edge: Edge, settings: ProducerSettings) -> AsyncIterator[ASGIApp]:
    """Have an application's requests make spans, if that is wanted; send the last of them after the body."""
    if edge.tracing is None:
        yield app
        return
    tracing = edge.tracing.Tracing(topic_name(STUDENT, settings))
    try:
        yield tracing.wrap(app)
    finally:
        await tracing.close()


def _fault(lanes: Lanes, shown: Shown | None, stopping: asyncio.Event) -> str | None:
    if stopping.is_set():
        return "shutting down"
    return lanes.fault() or (None if shown is None else shown.fault)


def _spare_the_collector() -> None:
    """Have the garbage collector pass by what lives as long as the process, and come less often.

    A request leaves hardly any cycles; looking for them after every 700 objects cost a third of its time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _proxies(listed: str) -> list[str]:
    addresses = [address.strip() for address in listed.split(",") if address.strip()]
    for address in addresses:
        try:
            ip_network(address)
        except ValueError as error:
            raise ConfigurationError(env_name("trusted_proxies"), str(error)) from error
    return addresses
