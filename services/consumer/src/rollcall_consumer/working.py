"""A replica within a command, that has something of its own to do meanwhile."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import NamedTuple

from aiokafka import TopicPartition

from rollcall_consumer.runtime.pipeline import Pipeline
from rollcall_consumer.runtime.worker import Worker, engaged
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.errors import RollcallError


class HaltError(RollcallError):
    """A run ends before its work is done."""


class Replica(NamedTuple):
    """A replica that runs.

    Attributes:
        worker: It.
        check: Raises an error once the run can't go on: a HaltError, or what the replica has ended with. That
            partitions have stopped by themselves is no such reason.
    """

    worker: Worker
    check: Callable[[], None]


@contextlib.asynccontextmanager
async def working(
    pipeline: Pipeline, settings: ConsumerSettings, ends: Mapping[TopicPartition, int], stopping: asyncio.Event
) -> AsyncIterator[Replica]:
    """Run a replica while the body runs.

    Args:
        pipeline: The pipeline.
        settings: The service's settings.
        ends: Where work on partitions is to end; see `engaged`.
        stopping: Is set when the run is to end.
    """
    async with engaged(pipeline, settings, ends) as worker:
        running = asyncio.create_task(worker.run(), name="worker")

        def check() -> None:
            if running.done():
                running.result()
                raise HaltError("what was begun was given up meanwhile")
            if stopping.is_set():
                raise HaltError("interrupted")

        try:
            yield Replica(worker, check)
        finally:
            running.cancel()
            await asyncio.wait([running])
