"""The effect `narrate`: alerts as sound files. It shows how work goes that keeps a processor busy.

Such work would stop everything else in the process, its heartbeats to the group as well. So it is done in processes of
its own, one for each processor; one whose work takes too long is ended, and another one takes its place.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

from anyio import CapacityLimiter, to_process

from rollcall_consumer import morse
from rollcall_consumer.runtime.effects.effect import Delivery, Handle, Terms
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.alert import Alert
from rollcall_domain.service.files import unfit

TERMS = Terms(lanes=64, limit=600.0, tries=5, first_pause=5.0)


@contextlib.asynccontextmanager
async def narrating(settings: ConsumerSettings) -> AsyncIterator[Handle[Alert]]:
    """Have what makes a sound file of an alert.

    Raises:
        ConfigurationError: The settings do not say where to put it, or that is no directory.
    """
    if settings.narrations is None:
        raise unfit("narrations", "is needed by narrate: the directory for sound files")
    directory = Path(settings.narrations)
    if not await asyncio.to_thread(directory.is_dir):
        raise unfit("narrations", "there is no such directory")
    processes = CapacityLimiter(os.cpu_count() or 1)

    async def narrate(delivery: Delivery[Alert]) -> None:
        alert = delivery.event
        words = f"{alert.rule} {alert.student_id} {alert.detail}"
        await to_process.run_sync(
            morse.narrate, words, str(directory / f"{alert.id}.wav"), cancellable=True, limiter=processes
        )

    yield narrate
