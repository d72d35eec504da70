"""A replica within a command, that has something of its own to do meanwhile."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from rollcall_consumer.runtime.worker import Worker
from rollcall_domain.errors import RollcallError


class HaltError(RollcallError):
    """A run ends before its work is done."""


@contextlib.asynccontextmanager
async def working(worker: Worker, stopping: asyncio.Event) -> AsyncIterator[Callable[[], None]]:
    """Run a replica while the body runs.

    Args:
        worker: The replica.
        stopping: Is set when the run is to end.

    Yields:
        What raises an error once the run can't go on: a HaltError, or what the replica has ended with. That partitions
        have stopped by themselves is no such reason.
    """
    running = asyncio.create_task(worker.run(), name="worker")

    def check() -> None:
        if running.done():
            running.result()
            raise HaltError("what was begun was given up meanwhile")
        if stopping.is_set():
            raise HaltError("interrupted")

    try:
        yield check
    finally:
        running.cancel()
        await asyncio.wait([running])
