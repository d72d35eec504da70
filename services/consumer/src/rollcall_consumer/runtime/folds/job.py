"""The work of a fold on one partition index, for as long as it is assigned.

The state is read back that belongs to what was committed; then records are taken in, and what comes of them is written,
turn by turn.
"""

import gc
import os
from collections.abc import Collection, Sequence
from itertools import count
from time import monotonic
from typing import NamedTuple

import structlog
from prometheus_client.core import GaugeMetricFamily

from rollcall_consumer.runtime.folds.fold import Derivation, Share
from rollcall_consumer.runtime.folds.intake import Intake, State
from rollcall_consumer.runtime.folds.restore import Restoration
from rollcall_consumer.runtime.folds.turns import Turns
from rollcall_consumer.runtime.folds.window import Windows
from rollcall_consumer.runtime.pipeline import Waiting
from rollcall_consumer.runtime.restore import Progress, find_positions
from rollcall_consumer.runtime.transactor import Transactor
from rollcall_consumer.runtime.workplace import Workplace
from rollcall_domain.service.source import Source

log = structlog.get_logger()


class Kept(NamedTuple):
    """The state as of a commit, and the note that tells that commit from all others."""

    note: str
    state: State


class FoldJob:
    """The work on one partition index.

    Args:
        index: Which one.
        derivation: What is done.
        workplace: What it shares with others.
        kept: The state that this replica had when it worked on it last.

    Attributes:
        caught_up: Whether all is handled that was there when the work began.
        fault: Why it has stopped by itself, if so, for people.
        progress: How far the state is read back.
        kept: The state as of the last commit; None while a turn is in hand.
    """

    def __init__(self, index: int, derivation: Derivation, workplace: Workplace, kept: Kept | None) -> None:
        self.caught_up = False
        self.fault: str | None = None
        self.progress = Progress()
        self.kept = kept
        self._index = index
        self._derivation = derivation
        self._workplace = workplace
        self._inputs = workplace.inputs(index)
        self._notes = (f"{os.urandom(6).hex()}-{number}" for number in count())
        self._turns: Turns | None = None
        self._stopping = False

    def stop(self, _: float) -> None:
        """Take no more in: what is in hand is a matter of a turn."""
        self._stopping = True
        if self._turns is not None:
            self._turns.stopping = True

    def lag(self) -> int | None:
        """Count the records that are not handled yet; see `Turns.lag`."""
        return None if self._turns is None else self._turns.lag()

    def lag_seconds(self) -> float | None:
        """Tell how old the oldest record is that is not handled yet; see `Turns.lag_seconds`."""
        return None if self._turns is None else self._turns.lag_seconds()

    async def work(self, source: Source, transactor: Transactor, waiting: Waiting) -> None:
        """Do one turn after the other."""
        with waiting():
            state = await self._resume(source)
        intake = Intake(self._index, self._derivation, self._workplace, state)
        self._turns = turns = Turns(self._workplace, source, state, intake, transactor)
        while not (self._stopping or turns.over or transactor.worn):
            with waiting():
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
        derivation, settings = self._derivation, self._workplace.settings
        share = Share(self._index, settings.partitions, [partition.topic for partition in self._inputs])
        state = State(derivation.fold(share, settings), Windows(self._inputs, settings.repeat_window), {})
        tables = {self._workplace.place(topic, self._index): topic for topic in derivation.tables}
        bounds = await source.bounds([*tables, *self._inputs])
        restoration = Restoration(source, bounds, self.progress)
        applied = await restoration.tables(state.fold, tables)
        offsets = {partition: offset.offset for partition, offset in committed.items()}
        known = dict(zip(self._inputs, applied, strict=True))
        state.positions.update(find_positions(known, offsets, bounds))
        await restoration.window(state.windows, state.positions)
        gc.freeze()  # it is here to stay
        log.info("Restored", partition=self._index, records=self.progress.read, seconds=round(monotonic() - begun, 3))
        return state


class FoldJobs:
    """The work of one replica, which keeps the state of what it gives back, for when it comes again.

    Args:
        derivation: What is done.
    """

    def __init__(self, derivation: Derivation) -> None:
        self._derivation = derivation
        self._jobs: dict[int, FoldJob] = {}

    def take(self, indexes: Collection[int], workplace: Workplace) -> Sequence[tuple[int, FoldJob]]:
        """Begin with the work on these indexes."""
        kept = {index: job.kept for index, job in self._jobs.items()}
        self._jobs = {index: FoldJob(index, self._derivation, workplace, kept.get(index)) for index in indexes}
        return [*self._jobs.items()]

    def collect(self) -> Sequence[GaugeMetricFamily]:
        """Measure nothing: all that matters of a fold is its lag."""
        return ()
