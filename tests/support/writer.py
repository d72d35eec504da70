"""The producer's way from an update to Kafka, without HTTP and in this process."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from rollcall_producer.ingest import Ingest
from rollcall_producer.journal import Journal
from rollcall_producer.lanes import LEAST_LIMIT, Lanes
from rollcall_producer.update import Update
from support.services import PATIENCE, Environment


class Writer:
    """Writes updates, and learns what became of them.

    Attributes:
        leader: Tells which broker leads a partition, or None.
    """

    def __init__(self, journal: Journal, lanes: Lanes) -> None:
        self.leader = journal.leader
        self._lanes = lanes
        self._ingest = Ingest(lanes)

    def fault(self) -> str | None:
        """Tell why no update can be taken now."""
        return self._lanes.fault()

    async def write(self, update: Update) -> None:
        """Write an update; raise what has become of it otherwise."""
        batch, *_ = self._ingest.admit(update, None, None)
        outcome = await batch.wait()
        if outcome is not None:
            raise type(outcome)(str(outcome))


@asynccontextmanager
async def writing(
    environment: Environment, deadline: float, *, connected: bool = True, **settings: object
) -> AsyncIterator[Writer]:
    """Run the lanes, once they are connected if that is asked for."""
    journal = Journal(environment.producer(**settings))
    connection = asyncio.create_task(journal.run())
    async with Lanes(journal, 6, deadline, limit=6 * LEAST_LIMIT) as lanes:
        if connected:
            await until(lambda: lanes.fault() is None)
        yield Writer(journal, lanes)
    connection.cancel()
    await asyncio.wait([connection])


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds that can only be asked for."""
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
