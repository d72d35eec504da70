"""The work on one partition index, for as long as it is assigned.

Whoever had it before is shut out; then the state is read back that belongs to what was committed; then records are
taken in, and what comes of them is written. Each turn is a transaction: it is short while there is little to do, so
that nobody waits, and holds all that has come in meanwhile when there is much.
"""

import asyncio
import contextlib
import gc
import os
from collections.abc import Iterator, Mapping
from itertools import count
from time import monotonic, time
from typing import NamedTuple

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from rollcall_consumer.errors import DoubtError, UnknownOffsetError
from rollcall_consumer.runtime.intake import Intake, State
from rollcall_consumer.runtime.pipeline import Fold, Share
from rollcall_consumer.runtime.restore import Progress, Restoration
from rollcall_consumer.runtime.source import Portion, Source
from rollcall_consumer.runtime.transactor import Transactor
from rollcall_consumer.runtime.window import Windows
from rollcall_consumer.runtime.workplace import Workplace

log = structlog.get_logger()

POLL = 1.0
"""Seconds to wait for records, if the clock does not matter before."""

TURN = 2
"""Portions of each input that a turn takes in at the most: some 20,000 updates.

With fewer there are more transactions; with more, what has changed does not fit into the processor's cache any more.
"""

SLICE = 500
"""Records that are taken in without giving way to other tasks."""


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
        self._source: Source | None = None
        self._positions: Mapping[TopicPartition, int] = {}
        self._targets: Mapping[TopicPartition, int] | None = None
        self._latest: int | None = None
        self._stopping = False
        self._interruptible = True
        self._task = asyncio.create_task(self._run(), name=f"{workplace.pipeline.name}-{index}")

    async def stop(self, grace: float) -> None:
        """Finish the turn in hand, and end; at once after a time of grace, in seconds."""
        self._stopping = True
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
        """Count the records that are not handled yet, up to the first open transaction; None before the first fetch.

        Marks of transactions count as records.
        """
        ends = self._ends()
        if ends is None:
            return None
        return sum(max(0, end - self._positions[partition]) for partition, end in ends.items())

    def _ends(self) -> Mapping[TopicPartition, int] | None:
        """Tell where the inputs end, once that is known of all."""
        source = self._source
        if source is None or not self._positions:
            return None
        ends = {partition: end for partition in self._positions if (end := source.end(partition)) is not None}
        return ends if len(ends) == len(self._positions) else None

    def lag_seconds(self) -> float | None:
        """Tell how old the oldest record is that is not handled yet; None before the first fetch.

        Where that record has not been fetched yet, the last one that was stands for it, which is older.
        """
        lag = self.lag()
        if lag is None:
            return None
        return max(0.0, time() - self._latest / 1000) if lag and self._latest is not None else 0.0

    async def _run(self) -> None:
        try:
            while not self._stopping and self.fault is None:
                with self._waiting():
                    transactor = Transactor(
                        self._workplace.settings, self._workplace.pipeline.name, self.index, self._workplace.topics()
                    )
                    await transactor.start()
                try:
                    await self._work(transactor)
                finally:
                    await transactor.close()
        except UnknownOffsetError as error:
            self.fault = str(error)
            log.error("Stopped", reason=self.fault)  # noqa: TRY400 - it is no failure of ours

    async def _work(self, transactor: Transactor) -> None:
        """Work until told to end, or until there is a reason for not going on like this."""
        place = self._workplace
        async with Source(place.settings, place.pipeline.name, place.topics()) as source:
            with self._waiting():
                state = await self._resume(source)
            intake = Intake(self.index, self._workplace, state)
            self._source, self._positions, self._targets = source, state.positions, None
            source.read(state.positions)
            while not self._is_over(intake) and not transactor.worn:
                await self._wait(source, state.fold)
                await self._turn(source, intake, state, transactor)
            self._source = None
            self.fault = intake.fault

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

    async def _wait(self, source: Source, fold: Fold) -> None:
        """Wait until there is something to do."""
        due = fold.next_due() if self.lag() == 0 else None  # the clock does not matter before all is taken in
        timeout = POLL if due is None else min(POLL, max(0.0, due / 1000 - time()))
        with self._waiting():
            await source.wait(timeout)

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[None]:
        """Wait, with nothing in hand that is not to be left as it is."""
        self._interruptible = True
        try:
            yield
        finally:
            self._interruptible = False

    async def _turn(self, source: Source, intake: Intake, state: State, transactor: Transactor) -> None:
        """Take in what has come in, and write what comes of it."""
        kept, self.kept = self.kept, None
        for _ in range(TURN):
            portions = [*source.take()]
            for portion in portions:
                async with self._workplace.intake:
                    await self._take(portion, intake)
            if not portions or self._is_over(intake):
                break
        self._look_at_clock(state.fold)
        outbox = intake.pack()
        if not intake.taken and not outbox.batches:
            self.kept = kept
            return
        note = next(self._notes)
        await transactor.commit(outbox, state.positions, note)
        intake.committed()
        self.kept = Kept(note, state)

    def _is_over(self, intake: Intake) -> bool:
        return self._stopping or intake.fault is not None

    async def _take(self, portion: Portion, intake: Intake) -> None:
        for records in portion.pieces(SLICE):
            if self._is_over(intake):
                return
            self._latest = records[0].timestamp
            intake.take(portion.partition, records)
            self._latest = records[-1].timestamp
            await asyncio.sleep(0)
        intake.skip(portion.partition, portion.next)

    def _look_at_clock(self, fold: Fold) -> None:
        """Let time pass, if all is taken in that was written before."""
        ends = self._ends()
        if ends is None:
            return
        if self._targets is None:
            self._targets = ends
        self.caught_up = self.caught_up or self._has_reached(self._targets)
        if self._has_reached(ends):
            fold.tick(int(time() * 1000))

    def _has_reached(self, ends: Mapping[TopicPartition, int]) -> bool:
        return all(self._positions[partition] >= end for partition, end in ends.items())
