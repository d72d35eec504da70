"""Two clusters and the mirror between them: what is lost, and what there is to go on with."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from rollcall_dev.drill.site import Site, site
from rollcall_dev.kafka import Mirror, MirrorConfig


@dataclass
class Scene:
    """Two clusters and the mirror between them.

    Attributes:
        first: The one that is lost.
        second: The one that takes over.
        mirror: Copies from the first one to the second one.
    """

    first: Site
    second: Site
    mirror: Mirror

    async def restart_mirror(self) -> None:
        """Kill the mirror, and start it again."""
        await asyncio.to_thread(self.mirror.kill)
        await asyncio.to_thread(self.mirror.start)

    async def lose_first(self) -> None:
        """Kill the first cluster, its worker and the mirror, all at once."""
        for worker in self.first.fleet.workers:
            worker.kill()
        await asyncio.gather(
            self.first.fleet.scale(0),
            asyncio.to_thread(self.mirror.kill),
            *(asyncio.to_thread(broker.kill) for broker in self.first.brokers),
        )

    async def bring_first_back(self) -> None:
        """Start the brokers of the first cluster again, and nothing else."""
        for broker in self.first.brokers:
            await asyncio.to_thread(broker.launch)
        for broker in self.first.brokers:
            await asyncio.to_thread(broker.wait_ready)


@contextlib.asynccontextmanager
async def staged(brokers: int, *, exactly_once: bool) -> AsyncIterator[Scene]:
    """Run both clusters, a worker on each, the mirror, and the API of the first one.

    Args:
        brokers: How many nodes each cluster has.
        exactly_once: Whether the mirror copies in transactions.
    """
    async with contextlib.AsyncExitStack() as parts:
        directory = Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="rollcall-drill-")))
        first, second = [
            await parts.enter_async_context(site(Path(tempfile.mkdtemp(dir=directory)), brokers, number=number))
            for number in range(2)
        ]
        config = MirrorConfig(
            source=first.stage.servers,
            target=second.stage.servers,
            replication=brokers,
            exactly_once=exactly_once,
        )
        mirror = Mirror(config, directory / "mirror.log")
        parts.push_async_callback(asyncio.to_thread, mirror.stop)
        await asyncio.gather(asyncio.to_thread(mirror.start), first.api.start())
        yield Scene(first, second, mirror)
