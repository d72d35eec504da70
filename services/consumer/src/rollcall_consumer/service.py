"""The worker as a process: a pipeline's replica beside its health port."""

import asyncio
import gc

import structlog
from starlette.applications import Starlette
from starlette.routing import Route

from rollcall_consumer import metrics
from rollcall_consumer.admin import admin_routes
from rollcall_consumer.pipelines import EFFECTS
from rollcall_consumer.runtime.lag import LagCollector
from rollcall_consumer.runtime.pipeline import Pipeline
from rollcall_consumer.runtime.worker import engaged
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.service.health import health_routes
from rollcall_domain.service.server import serving

log = structlog.get_logger()


async def consume(pipeline: Pipeline, settings: ConsumerSettings, stopping: asyncio.Event) -> None:
    """Run a replica of a pipeline until the event is set.

    Raises:
        TopicMismatchError: A topic is not laid out as declared (within an ExceptionGroup).
        ConfigurationError: The health port can't be listened on, or the settings do not say all that the work takes.
    """
    async with engaged(pipeline, settings) as worker:
        metrics.registry.register(LagCollector(worker))
        health = health_routes(worker.live, worker.ready, metrics.registry)
        app = Starlette(routes=[*health, *_admin(pipeline, settings)])
        gc.collect()
        gc.freeze()
        gc.set_threshold(100_000, 50, 100)  # records come and go by the hundred thousand, hardly any part of a cycle
        async with serving(app, settings, grace=1), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(worker.run(), name="worker")
            await stopping.wait()
            log.info("Shutting down")
            running.cancel()
    log.info("Stopped")


def _admin(pipeline: Pipeline, settings: ConsumerSettings) -> list[Route]:
    return admin_routes(pipeline, settings) if pipeline.name in EFFECTS else []
