"""The work of effects on one partition index, for as long as it is assigned.

Records are taken in as long as there is room; the crew handles them; and how far they are finished is committed a few
times a second, together with dead letters and with what is known of parked records.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from time import monotonic, time
from typing import Any

import structlog
from aiokafka import TopicPartition
from prometheus_client.core import GaugeMetricFamily

from rollcall_consumer.runtime.deadletters import LetterBox
from rollcall_consumer.runtime.effects.books import Books, read
from rollcall_consumer.runtime.effects.changes import Changes
from rollcall_consumer.runtime.effects.crew import Crew
from rollcall_consumer.runtime.effects.desk import Desk
from rollcall_consumer.runtime.effects.effect import Terms
from rollcall_consumer.runtime.effects.gauges import gauges
from rollcall_consumer.runtime.effects.intake import Intake
from rollcall_consumer.runtime.effects.parking import Parkings
from rollcall_consumer.runtime.pipeline import Waiting
from rollcall_consumer.runtime.restore import Progress, find_positions, read_back
from rollcall_consumer.runtime.transactor import Transactor
from rollcall_consumer.runtime.workplace import Workplace
from rollcall_domain.place import Edge, parse_place
from rollcall_domain.service.records import Record
from rollcall_domain.service.source import Source
from rollcall_domain.topics import PARKED

log = structlog.get_logger()

COMMIT_PAUSE = 0.1
"""Seconds between commits. What is finished within them is done again if the replica is killed."""

QUIET_PAUSE = 0.03
"""The same while nothing is in hand: there is nothing to wait for then."""

COMMIT_TIME = 1.5
"""Seconds of a time of grace that are kept for the last commit."""

Key = Callable[[Record], bytes | None]
"""Gives what a record is about."""


class EffectJob:
    """The work on one partition index, which goes on when that comes back to the same replica.

    Args:
        index: Which one.
        key: Gives what a record is about.
        terms: On what terms records are handled.
        crew: Handles them.
        workplace: What it shares with others.

    Attributes:
        caught_up: Whether the work has begun: what is there may take any time.
        fault: Why it has stopped by itself, if so, for people.
        progress: How far is read back which records are parked.
        desk: What is in hand; None before the work has begun first.
    """

    def __init__(self, index: int, key: Key, terms: Terms, crew: Crew[Any], workplace: Workplace) -> None:
        self.caught_up = False
        self.fault: str | None = None
        self.progress = Progress()
        self.desk: Desk | None = None
        self._index = index
        self._key = key
        self._terms = terms
        self._crew = crew
        self._workplace = workplace
        self._letters = LetterBox(index, workplace)
        self._books = Books(index)
        self._intake: Intake | None = None
        self._committed = 0.0
        self._stopping = False
        self._grace = 0.0

    def come_back(self, workplace: Workplace) -> None:
        """Go on at another workplace."""
        self._workplace = workplace
        self._stopping = False
        self.fault = None

    def leave(self) -> None:
        """Have nothing more to do with the partition."""
        if self.desk is not None:
            self.desk.abandon()

    def lag(self) -> int | None:
        """Count the records that are not finished yet; see `Job.lag`."""
        left = None if self._intake is None else self._intake.left
        return None if left is None or self.desk is None else left + self.desk.in_hand

    def lag_seconds(self) -> float | None:
        """Tell how old the oldest record in hand is; see `Job.lag_seconds`."""
        if self.desk is None or self.lag() is None:
            return None
        oldest = [each.oldest for each in self.desk.inputs.values() if each.oldest is not None]
        return max(0.0, time() - min(oldest) / 1000) if oldest else 0.0

    def stop(self, grace: float) -> None:
        """Take no more in, have what is being handled end within a time of grace, and commit that."""
        self._stopping = True
        self._grace = max(0.0, min(self._terms.grace, grace - COMMIT_TIME))
        if self.desk is not None:
            self.desk.ring()

    async def work(self, source: Source, transactor: Transactor, waiting: Waiting) -> None:
        """Take records in, have them handled, and commit what is finished."""
        with waiting():
            desk = self.desk = await self._resume(source)
        self._intake = intake = Intake(desk, source, self._workplace, self._key, self._terms.queue)
        self.caught_up = True
        try:
            desk.begin_work()
            self._committed = monotonic()  # else the first commit would hold up what comes in
            while not (self._is_over(desk) or transactor.worn):
                await self._wait(desk, intake)
                desk.heed(self._workplace.control)
                await intake.take_in()
                if desk.changes.due and self._until_commit(desk) <= 0:
                    await self._commit(desk, transactor)
            await self._end(desk, transactor)
        finally:
            desk.end_work()
            self._intake = None
        self.fault = desk.fault

    def _is_over(self, desk: Desk) -> bool:
        return self._stopping or desk.fault is not None or self._crew.fault is not None

    async def _wait(self, desk: Desk, intake: Intake) -> None:
        """Wait until there is something to take in, to commit or to end."""
        bell, timeout = desk.listen(), intake.poll
        if desk.changes.due:
            timeout = min(timeout, self._until_commit(desk))
        if timeout > 0 and not self._is_over(desk):
            await intake.wait(timeout, bell)

    def _until_commit(self, desk: Desk) -> float:
        """Tell how many seconds are left before the next commit."""
        return self._committed + (COMMIT_PAUSE if desk.in_hand else QUIET_PAUSE) - monotonic()

    async def _commit(self, desk: Desk, transactor: Transactor) -> None:
        """Commit how far records are finished, and what has come of them."""
        changes, desk.changes = desk.changes, Changes()
        offsets = self._books.enter(desk.inputs, changes)
        outbox = changes.pack(self._letters, self._workplace.place(PARKED, self._index))
        await transactor.commit(outbox, offsets)
        self._books.close()
        self._committed = monotonic()

    async def _end(self, desk: Desk, transactor: Transactor) -> None:
        """Begin nothing more, give what is being handled its time of grace, and commit."""
        desk.end_work()
        if self._crew.fault is not None:
            raise self._crew.fault
        if self._stopping and desk.running:
            ending = monotonic() + self._grace
            while desk.running and (left := ending - monotonic()) > 0:
                await asyncio.wait([desk.listen()], timeout=left)
            if desk.running:
                log.info("Left tries running", partition=self._index, tries=desk.running)
        if desk.changes.due:
            await self._commit(desk, transactor)

    async def _resume(self, source: Source) -> Desk:
        """Give the desk as it was if nobody else has committed anything since, or one that begins there."""
        inputs = self._workplace.inputs(self._index)
        committed = await self._workplace.committed(inputs)
        if self.desk is not None and self._books.agree(committed):
            undone = self._books.settle(committed)
            if undone is not None:
                undone.add(self.desk.changes)
                undone.due, self.desk.changes = True, undone
            return self.desk
        self.leave()
        parked = self._workplace.place(PARKED, self._index)
        bounds = await source.bounds([*inputs, parked])
        offsets = {partition: offset.offset for partition, offset in committed.items()}
        positions = find_positions(dict.fromkeys(inputs, 0), offsets, bounds)
        if not committed:
            positions[inputs[0]] = await self._find_begin(source, inputs[0], bounds[inputs[0]])
        known = Parkings()

        def take(_: object, records: Sequence[Record]) -> None:
            known.take(records)

        await read_back(source, {parked: bounds[parked]}, take, self.progress)
        self._books.open(committed)
        desk = Desk(read(committed, positions), known.parked, self._letters, self._crew, self._terms)
        desk.changes.due |= not committed  # so that it begins here also next time
        return desk

    async def _find_begin(self, source: Source, partition: TopicPartition, bounds: tuple[int, int]) -> int:
        """Find the offset at which work begins that has never begun before."""
        first, end = bounds
        match parse_place(self._workplace.settings.begin, datetime.now(UTC)):
            case Edge.BEGINNING:
                return first
            case Edge.LATEST:
                return end
            case moment:
                return (await source.find([partition], int(moment.timestamp() * 1000))).get(partition, end)


class EffectJobs:
    """The work of one replica.

    Args:
        key: Gives what a record is about.
        terms: On what terms records are handled.
        crew: Handles them.
    """

    def __init__(self, key: Key, terms: Terms, crew: Crew[Any]) -> None:
        self._jobs: Mapping[int, EffectJob] = {}
        self._key = key
        self._terms = terms
        self._crew = crew

    def take(self, indexes: Collection[int], workplace: Workplace) -> Sequence[tuple[int, EffectJob]]:
        """Begin with the work on these indexes, or go on with it; the work on others is somebody else's."""
        self._crew.heed(workplace.throttle, workplace.lease)
        before = self._jobs
        for index in before.keys() - set(indexes):
            before[index].leave()
        self._jobs = {index: before.get(index) or self._begin(index, workplace) for index in indexes}
        for job in self._jobs.values():
            job.come_back(workplace)
        return [*self._jobs.items()]

    def _begin(self, index: int, workplace: Workplace) -> EffectJob:
        return EffectJob(index, self._key, self._terms, self._crew, workplace)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Measure."""
        desks = [job.desk for job in self._jobs.values() if job.desk is not None]
        return gauges(desks, self._crew.open_breakers)
