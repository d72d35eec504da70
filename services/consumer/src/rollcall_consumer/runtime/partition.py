"""The life of the work on one partition index, for as long as it is assigned.

Whoever had it before is shut out; then the job goes on from what was committed.
"""

import asyncio
import contextlib
from collections.abc import Iterator

import structlog
from aiokafka.errors import KafkaError

from rollcall_consumer.errors import DoubtError, UnknownOffsetError
from rollcall_consumer.runtime.pipeline import Job
from rollcall_consumer.runtime.transactor import Transactor
from rollcall_consumer.runtime.workplace import Workplace
from rollcall_domain.service.source import Source

log = structlog.get_logger()


class PartitionTask:
    """The work on one partition index.

    Args:
        index: Which one.
        workplace: What it shares with others.
        job: What is done.

    Attributes:
        index: Which one.
        job: What is done.
        fault: Why it has stopped by itself, if so, for people.
    """

    def __init__(self, index: int, workplace: Workplace, job: Job) -> None:
        self.index = index
        self.job = job
        self.fault: str | None = None
        self._workplace = workplace
        self._stopping = False
        self._interruptible = True
        self._task = asyncio.create_task(self._run(), name=f"{workplace.name}-{index}")

    async def stop(self, grace: float) -> None:
        """Finish what is in hand, and end; at once after a time of grace, in seconds."""
        self._stopping = True
        self.job.stop(grace)
        if self._interruptible:
            self._task.cancel()
        _, unfinished = await asyncio.wait([self._task], timeout=grace)
        if unfinished:
            log.warning("Left a turn unfinished", partition=self.index)
            self._task.cancel()
            await asyncio.wait([self._task])
        error = None if self._task.cancelled() else self._task.exception()
        if error is not None and not isinstance(error, KafkaError | DoubtError):  # which strike all, and one is raised
            log.error("The work on a partition failed", partition=self.index, exc_info=error)

    def check(self) -> None:
        """Raise the error that has ended the work, if one has."""
        if self._task.done() and not self._task.cancelled():
            self._task.result()

    async def _run(self) -> None:
        place = self._workplace
        try:
            while not self._stopping and self.fault is None:
                with self._waiting():
                    transactor = Transactor(place.settings, place.name, self.index, place.topics())
                    await transactor.start()
                try:
                    if not await self._is_allowed():
                        return
                    async with Source(place.settings, place.name, place.topics()) as source:
                        await self.job.work(source, transactor, self._waiting)
                    self.fault = self.job.fault
                finally:
                    await transactor.close()
        except UnknownOffsetError as error:
            self.fault = str(error)
            log.error("Stopped", reason=self.fault)  # noqa: TRY400 - it is no failure of ours

    async def _is_allowed(self) -> bool:
        """Look for orders that were given before whoever had the partition was shut out.

        Who has another generation take over gives the order, and then shuts all out. Whoever comes after that sees it.
        """
        with self._waiting():
            return await self._workplace.allowed()

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[None]:
        """Wait, with nothing in hand that is not to be left as it is."""
        self._interruptible = True
        try:
            yield
        finally:
            self._interruptible = False
