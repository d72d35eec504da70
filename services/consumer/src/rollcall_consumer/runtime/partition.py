"""The work on one partition index, for as long as it is assigned.

Whoever had it before is shut out; then the state is read back that belongs to what was committed; then records are
taken in, and what comes of them is written, turn by turn.
"""

import asyncio
import contextlib
import gc
import os
from collections.abc import Iterator
from itertools import count
from time import monotonic
from typing import NamedTuple

import structlog
from aiokafka.errors import KafkaError

from rollcall_consumer.errors import DoubtError, UnknownOffsetError
from rollcall_consumer.runtime.intake import State
from rollcall_consumer.runtime.pipeline import Share
from rollcall_consumer.runtime.restore import Progress, Restoration
from rollcall_consumer.runtime.transactor import Transactor
from rollcall_consumer.runtime.turns import Turns
from rollcall_consumer.runtime.window import Windows
from rollcall_consumer.runtime.workplace import Workplace
from rollcall_domain.service.source import Source

log = structlog.get_logger()


class Kept(NamedTuple):
    """The state as of a commit, and the note that tells that commit from all others."""

    note: str
    state: State


class PartitionTask:
    """The work on one partition index.

    Args:
        index: Which one.
        workplace: What it shares with others.
        kept: The state that this replica had when it worked on it last.

    Attributes:
        index: Which one.
        caught_up: Whether all is handled that was there when the work began.
        fault: Why it has stopped by itself, if so, for people.
        progress: How far the state is read back.
        kept: The state as of the last commit; None while a turn is in hand.
    """

    def __init__(self, index: int, workplace: Workplace, kept: "Kept | None" = None) -> None:
        self.index = index
        self.caught_up = False
        self.fault: str | None = None
        self.progress = Progress()
        self.kept = kept
        self._workplace = workplace
        self._inputs = workplace.inputs(index)
        self._notes = (f"{os.urandom(6).hex()}-{number}" for number in count())
        self._turns: Turns | None = None
        self._stopping = False
        self._interruptible = True
        self._task = asyncio.create_task(self._run(), name=f"{workplace.pipeline.name}-{index}")

    async def stop(self, grace: float) -> None:
        """Finish the turn in hand, and end; at once after a time of grace, in seconds."""
        self._stopping = True
        if self._turns is not None:
            self._turns.stopping = True
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

    def lag(self) -> int | None:
        """Count the records that are not handled yet; see `Turns.lag`."""
        return None if self._turns is None else self._turns.lag()

    def lag_seconds(self) -> float | None:
        """Tell how old the oldest record is that is not handled yet; see `Turns.lag_seconds`."""
        return None if self._turns is None else self._turns.lag_seconds()

    async def _run(self) -> None:
        try:
            while not self._stopping and self.fault is None:
                with self._waiting():
                    transactor = Transactor(
                        self._workplace.settings, self._workplace.pipeline.name, self.index, self._workplace.topics()
                    )
                    await transactor.start()
                try:
                    if not await self._is_allowed():
                        return
                    await self._work(transactor)
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

    async def _work(self, transactor: Transactor) -> None:
        """Work until told to end, or until there is a reason for not going on like this."""
        place = self._workplace
        async with Source(place.settings, place.pipeline.name, place.topics()) as source:
            with self._waiting():
                state = await self._resume(source)
            self._turns = turns = Turns(self.index, place, source, state, transactor)
            while not (self._stopping or turns.over or transactor.worn):
                with self._waiting():
                    await turns.wait()
                await self._turn(turns, state)
            self._turns = None
            self.fault = turns.fault

    async def _turn(self, turns: Turns, state: State) -> None:
        """Do a turn. While it lasts, nobody knows which commit the state belongs to."""
        kept, self.kept = self.kept, None
        note = next(self._notes)
        self.kept = Kept(note, state) if await turns.turn(note) else kept
        self.caught_up = self.caught_up or turns.caught_up

    async def _resume(self, source: Source) -> State:
        """Give the state that belongs to what was committed last: kept, or read back."""
        begun = monotonic()
        committed = await self._workplace.committed(self._inputs)
        kept, self.kept = self.kept, None
        if kept is not None and {offset.metadata for offset in committed.values()} == {kept.note}:
            return kept.state
        pipeline, settings = self._workplace.pipeline, self._workplace.settings
        share = Share(self.index, settings.partitions, [partition.topic for partition in self._inputs])
        state = State(pipeline.fold(share, settings), Windows(self._inputs, settings.repeat_window), {})
        tables = {self._workplace.place(topic, self.index): topic for topic in pipeline.tables}
        bounds = await source.bounds([*tables, *self._inputs])
        restoration = Restoration(source, bounds, self.progress)
        applied = await restoration.tables(state.fold, tables)
        offsets = {partition: offset.offset for partition, offset in committed.items()}
        known = dict(zip(self._inputs, applied, strict=True))
        state.positions.update(restoration.positions(known, offsets))
        await restoration.window(state.windows, state.positions)
        gc.freeze()  # it is here to stay
        log.info("Restored", partition=self.index, records=self.progress.read, seconds=round(monotonic() - begun, 3))
        return state

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[None]:
        """Wait, with nothing in hand that is not to be left as it is."""
        self._interruptible = True
        try:
            yield
        finally:
            self._interruptible = False
