"""A desk: the records of one partition index that are in hand, each in the lane of its key, and what came of them.

It outlives the time for which the partition is assigned: when that comes back to the same replica, and nobody else has
committed anything meanwhile, work goes on as if nothing had been.
"""

import asyncio
from collections.abc import Hashable, Mapping
from time import time
from typing import Any

import structlog
from aiokafka import TopicPartition

from rollcall_consumer import metrics
from rollcall_consumer.errors import PermanentError
from rollcall_consumer.runtime.deadletters import LetterBox, Refusal
from rollcall_consumer.runtime.effects.changes import Changes
from rollcall_consumer.runtime.effects.crew import Crew
from rollcall_consumer.runtime.effects.effect import Terms
from rollcall_consumer.runtime.effects.lane import Entry, Lane, Stage
from rollcall_consumer.runtime.effects.offsets import Unfinished
from rollcall_consumer.runtime.effects.parking import Parked, describe, park, write_place
from rollcall_domain.control import Control
from rollcall_domain.errors import Reason, UnreadableRecordError
from rollcall_domain.headers import ID
from rollcall_domain.service.records import Record

log = structlog.get_logger()


class Desk:
    """The records of one partition index that are in hand.

    Args:
        inputs: What is taken in and not finished of each input.
        known: What is known of records that have failed before, by their places.
        letters: Takes dead letters.
        crew: Handles records.
        terms: On what terms.

    Attributes:
        inputs: What is taken in and not finished of each input.
        open: Whether records may be handled now.
        fault: Why they may not be any more, if so, for people.
        in_hand: How many records are.
        running: How many of them are being handled.
        parked: The lanes whose first record has failed, by its place.
        changes: What has come of records since the last commit.
    """

    def __init__(
        self,
        inputs: Mapping[TopicPartition, Unfinished],
        known: Mapping[str, Parked],
        letters: LetterBox,
        crew: Crew[Any],
        terms: Terms,
    ) -> None:
        self.inputs = inputs
        self.open = False
        self.fault: str | None = None
        self.in_hand = 0
        self.running = 0
        self.parked: dict[str, Lane] = {}
        self.changes = Changes()
        self._partitions = [*inputs]
        self._unfinished = [*inputs.values()]
        self._letters = letters
        self._crew = crew
        self._terms = terms
        self._lanes: dict[Hashable, Lane] = {}
        self._handled = 0
        self._low = 0
        self._abandoned = False
        self._bell: asyncio.Future[None] | None = None
        self._known = self._recall(known)

    # What the job has to say.

    def take(self, number: int, record: Record, key: bytes | None) -> None:
        """Take a record in, unless it is finished: it comes after all that were taken of its input."""
        if not self._unfinished[number].take(record.offset, record.timestamp):
            return
        if not record.value:  # it says nothing
            self._unfinished[number].finish(record.offset)
            self._change()
            return
        name = (number, record.offset) if key is None else key
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = Lane(self, name)
        lane.entries.append(Entry(number, record))
        self.in_hand += 1
        if lane.stage is Stage.IDLE:
            self._start(lane)

    def skip(self, number: int, offset: int) -> None:
        """Go on with an input at an offset, before which there are no more records."""
        unfinished = self._unfinished[number]
        before = unfinished.watermark
        unfinished.skip(offset)
        if unfinished.watermark != before:
            self._change()

    def begin_work(self) -> None:
        """Have records handled from now on."""
        self.open = True
        for lane in [*self._lanes.values()]:
            if lane.stage is Stage.IDLE:
                self._start(lane)

    def end_work(self) -> None:
        """Have no more records handled; those that are go on."""
        self.open = False
        for lane in self._lanes.values():
            lane.wait_no_more()
            if lane.stage is not Stage.RUNNING:
                lane.stage = Stage.IDLE

    def abandon(self) -> None:
        """Have nothing more to do with any of the records: they are somebody else's."""
        self._abandoned = True
        self.end_work()
        for lane in self._lanes.values():
            if lane.hand is not None:
                lane.hand.cancel()

    def heed(self, control: Control) -> None:
        """Do with parked records what operators have said."""
        for place, lane in [*self.parked.items()]:
            if lane.failure is None or lane.stage is Stage.RUNNING:
                continue
            if place in control.given_up:
                self._give_up(lane, lane.failure)
            elif lane.stage is Stage.PARKED and control.released.get(place) == lane.failure.tries:
                self._unpark(lane)

    def listen(self) -> asyncio.Future[None]:
        """Give what is done as soon as there is something new to commit, or room for more, or nothing is handled."""
        self._bell = asyncio.get_running_loop().create_future()
        return self._bell

    def want_more(self) -> None:
        """Ring as soon as half of what is in hand now is done with."""
        self._low = self.in_hand // 2

    def ring(self) -> None:
        """Wake who listens."""
        if self._bell is not None and not self._bell.done():
            self._bell.set_result(None)

    # What the crew has to say.

    def id_of(self, entry: Entry) -> str:
        """Tell a record from all others."""
        return identify(self._partitions[entry.number], entry.record)

    def begin(self, lane: Lane) -> None:
        """Hear that the first record of a lane is being handled."""
        assert lane.entries  # noqa: S101 - who has none is in no queue
        self.running += 1

    def conclude(self, lane: Lane, fault: Exception | None, *, counts: bool) -> None:
        """Hear what has come of it."""
        if self._abandoned:
            return
        if lane.stage is Stage.RUNNING:
            self.running -= 1
            if not self.running:
                self.ring()
        lane.stage = Stage.IDLE
        if fault is None:
            self._finish(lane)
        else:
            self._fail(lane, fault, counts=counts)

    # What comes of records.

    def _recall(self, known: Mapping[str, Parked]) -> dict[str, Parked]:
        """Give what is known of records still to be handled; those that the log has lost are parked no more."""
        recalled = {}
        for place, parked in known.items():
            unfinished = self.inputs.get(TopicPartition(parked.topic, parked.partition))
            if unfinished is not None and unfinished.awaits(parked.offset):
                recalled[place] = parked
            else:
                self.changes.forget(parked)
                self._change()
        return recalled

    def _start(self, lane: Lane) -> None:
        """Have the first record of a lane handled, at once or when the time of its next try has come."""
        if not self.open:
            return
        if self._known and lane.failure is None:
            place = self._place(lane.entries[0])
            failure = self._known.pop(place, None)
            if failure is not None:
                lane.failure, self.parked[place] = failure, lane
        pause = 0.0 if lane.failure is None else lane.failure.next_try / 1000 - time()
        if pause > 0:
            lane.stage = Stage.PARKED
            lane.timer = asyncio.get_running_loop().call_later(pause, self._unpark, lane)
        else:
            self._crew.enqueue(lane)

    def _unpark(self, lane: Lane) -> None:
        lane.wait_no_more()
        self._crew.enqueue(lane)

    def _finish(self, lane: Lane) -> None:
        """Be done with the first record of a lane, and go on with the next one."""
        number, record = lane.entries.popleft()
        self._unfinished[number].finish(record.offset)
        self._handled += 1
        self.changes.finished += 1
        self.in_hand -= 1
        if lane.failure is not None:
            del self.parked[lane.failure.place]
            self.changes.forget(lane.failure)
            lane.failure = None
        if lane.entries:
            self._start(lane)
        else:
            del self._lanes[lane.name]
        self._change()
        if self.in_hand == self._low:
            self.ring()

    def _fail(self, lane: Lane, fault: Exception, *, counts: bool) -> None:
        tries = counts + (0 if lane.failure is None else lane.failure.tries)
        if isinstance(fault, UnreadableRecordError):
            self._refuse(lane, fault.reason, fault.detail)
        elif isinstance(fault, PermanentError):
            self._refuse(lane, Reason.REFUSED, describe(fault))
        elif tries >= self._terms.tries:
            self._refuse(lane, Reason.EFFECT_FAILED, f"after {_tries(tries)}: {describe(fault)}")
        elif counts:
            metrics.effects.labels("failed").inc()
            self._park(lane, fault)
        else:
            self._start(lane)

    def _park(self, lane: Lane, fault: Exception) -> None:
        """Have the first record of a lane tried again after a while."""
        number, record = lane.entries[0]
        failure = park(self._partitions[number], record, lane.failure, fault, self._terms)
        seconds = round(failure.next_try / 1000 - time(), 1)
        log.warning("Parked", place=failure.place, tries=failure.tries, seconds=seconds, reason=failure.error)
        lane.failure, self.parked[failure.place] = failure, lane
        self.changes.park(failure)
        self._change()
        self._start(lane)

    def _give_up(self, lane: Lane, failure: Parked) -> None:
        detail = f"given up by operators after {_tries(failure.tries)}: {failure.error}"
        lane.wait_no_more()
        lane.stage = Stage.IDLE
        self._write(lane, Reason.GIVEN_UP, detail)

    def _refuse(self, lane: Lane, reason: Reason, detail: str) -> None:
        """Have the first record of a lane be a dead letter, unless there are too many of them."""
        entry = lane.entries[0]
        self.fault = self.fault or self._letters.full(entry.record, self._handled)
        if self.fault is None:
            self._write(lane, reason, detail)
            return
        topic, partition = self._partitions[entry.number]
        log.error("Stopped", reason=self.fault, topic=topic, partition=partition, offset=entry.record.offset)
        self.end_work()
        self.ring()

    def _write(self, lane: Lane, reason: Reason, detail: str) -> None:
        number, record = lane.entries[0]
        named = any(name == ID and value for name, value in record.headers)
        more = [] if named else [(ID, self.id_of(lane.entries[0]).encode())]
        self.changes.add_letter(Refusal(self._partitions[number], record, reason, detail, more))
        self._finish(lane)

    def _change(self) -> None:
        if not self.changes.due:
            self.changes.due = True
            self.ring()

    def _place(self, entry: Entry) -> str:
        topic, partition = self._partitions[entry.number]
        return write_place(topic, partition, entry.record.offset)


def identify(partition: TopicPartition, record: Record) -> str:
    """Tell a record from all others: by its id, or by where it was found first, which becomes its id then."""
    for name, value in record.headers:
        if name == ID and value:
            return value.decode(errors="backslashreplace")
    return f"{partition.topic}-{partition.partition}-{record.offset}"


def _tries(number: int) -> str:
    return "1 try" if number == 1 else f"{number} tries"
