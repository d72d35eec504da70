"""The producer as a process: the API over lanes over Kafka, brought up and down in order."""

import asyncio

import structlog

from rollcall_domain.service.server import serving
from rollcall_producer import access, cors, tls
from rollcall_producer.app import create_app
from rollcall_producer.journal import Journal
from rollcall_producer.lanes import Lanes
from rollcall_producer.protocol import ProblemProtocol
from rollcall_producer.settings import ProducerSettings

log = structlog.get_logger()

_ANSWERING = 1.0
"""Seconds beyond the deadline in which the last answers leave."""


async def serve(settings: ProducerSettings, stopping: asyncio.Event) -> None:
    """Serve until the event is set; then finish the requests in hand.

    Raises:
        TopicMismatchError: The topic is not laid out as declared (within an ExceptionGroup).
        ConfigurationError: A setting, or a file that one names, can't be used; or the address can't be listened on
            (within an ExceptionGroup).
    """
    admission = access.configured(settings)
    certificate, origins = tls.server_context(settings), cors.parse_origins(settings.cors_origins)
    admission.reload_on_hangup()
    grace = settings.deadline_seconds + _ANSWERING
    journal = Journal(settings)
    async with asyncio.TaskGroup() as tasks:
        connection = tasks.create_task(journal.run())
        async with Lanes(journal, settings.partitions, settings.deadline_seconds) as lanes:
            app = create_app(lanes.write, lambda: "shutting down" if stopping.is_set() else lanes.fault(), admission)
            shared = cors.sharing(app, origins)
            async with serving(shared, settings, grace=grace, protocol=ProblemProtocol, tls=certificate):
                await stopping.wait()
                log.info("Shutting down")
                await asyncio.sleep(settings.shutdown_delay_seconds)
        connection.cancel()
    log.info("Stopped")
