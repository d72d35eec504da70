"""The producer as a process: the API over lanes over Kafka, brought up and down in order."""

import asyncio
import gc
from functools import partial
from ipaddress import ip_network

import structlog

from rollcall_domain.errors import ConfigurationError
from rollcall_domain.service.server import HttpOptions, serving
from rollcall_domain.service.settings import env_name
from rollcall_producer import access, cors, tls
from rollcall_producer.app import create_app
from rollcall_producer.connections import DEFAULT_LIMITS, Connections, Limits, make_room
from rollcall_producer.ingest import Ingest
from rollcall_producer.journal import Journal
from rollcall_producer.lanes import Lanes
from rollcall_producer.protocol import ProblemProtocol
from rollcall_producer.settings import ProducerSettings

log = structlog.get_logger()

_ANSWERING = 1.0
"""Seconds beyond the deadline in which the last answers leave."""


async def serve(settings: ProducerSettings, stopping: asyncio.Event, limits: Limits = DEFAULT_LIMITS) -> None:
    """Serve until the event is set; then finish the requests in hand.

    Raises:
        TopicMismatchError: The topic is not laid out as declared (within an ExceptionGroup).
        ConfigurationError: A setting, or a file that one names, can't be used; or the address can't be listened on
            (within an ExceptionGroup).
    """
    admission = access.configured(settings)
    certificate, origins = tls.server_context(settings), cors.parse_origins(settings.cors_origins)
    proxies = _proxies(settings.trusted_proxies)
    admission.reload_on_hangup()
    deadline = settings.deadline_seconds
    journal = Journal(settings)
    connections = Connections(make_room(settings.connections), limits)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(journal.run()), tasks.create_task(connections.watch())]
        async with Lanes(journal, settings.partitions, deadline, settings.in_flight_bytes) as lanes:
            app = cors.sharing(
                create_app(Ingest(lanes), partial(_fault, lanes, stopping), admission, deadline), origins
            )
            http = HttpOptions(partial(ProblemProtocol, connections), proxies, certificate)
            _spare_the_collector()
            async with serving(app, settings, grace=deadline + _ANSWERING, http=http):
                await stopping.wait()
                log.info("Shutting down")
                await asyncio.sleep(settings.shutdown_delay_seconds)
        for task in running:
            task.cancel()
    log.info("Stopped")


def _fault(lanes: Lanes, stopping: asyncio.Event) -> str | None:
    return "shutting down" if stopping.is_set() else lanes.fault()


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
