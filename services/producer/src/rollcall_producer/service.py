"""The producer as a process: the API over lanes over Kafka, brought up and down in order."""

import asyncio
from functools import partial
from ipaddress import ip_network

import structlog

from rollcall_domain.errors import ConfigurationError
from rollcall_domain.service.server import serving
from rollcall_domain.service.settings import env_name
from rollcall_producer.app import create_app
from rollcall_producer.connections import DEFAULT_LIMITS, Connections, Limits, make_room
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
        ConfigurationError: The address can't be listened on (within an ExceptionGroup), or that of a proxy is none.
    """
    proxies = _proxies(settings.trusted_proxies)
    journal = Journal(settings)
    connections = Connections(make_room(settings.connections), limits)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(journal.run()), tasks.create_task(connections.watch())]
        async with Lanes(journal, settings.partitions, settings.deadline_seconds) as lanes:
            app = create_app(lanes.write, lambda: "shutting down" if stopping.is_set() else lanes.fault())
            protocol = partial(ProblemProtocol, connections)
            grace = settings.deadline_seconds + _ANSWERING
            async with serving(app, settings, grace=grace, protocol=protocol, proxies=proxies):
                await stopping.wait()
                log.info("Shutting down")
                await asyncio.sleep(settings.shutdown_delay_seconds)
        for task in running:
            task.cancel()
    log.info("Stopped")


def _proxies(listed: str) -> list[str]:
    addresses = [address.strip() for address in listed.split(",") if address.strip()]
    for address in addresses:
        try:
            ip_network(address)
        except ValueError as error:
            raise ConfigurationError(env_name("trusted_proxies"), str(error)) from error
    return addresses
