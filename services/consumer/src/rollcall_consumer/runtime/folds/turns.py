"""The turns of the work on one partition: each takes in what has come in, and writes what comes of it.

Each turn is a transaction: it is short while there is little to do, so that nobody waits, and holds all that has come
in meanwhile when there is much.
"""

import asyncio
from collections.abc import Mapping
from time import time

from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from rollcall_consumer import metrics
from rollcall_consumer.runtime.folds.intake import Intake, State
from rollcall_consumer.runtime.inflow import Inflow
from rollcall_consumer.runtime.transactor import Transactor
from rollcall_consumer.runtime.workplace import Workplace
from rollcall_domain.service.source import Portion, Source

TURN = 2
"""Portions of each input that a turn takes in at the most: some 20,000 updates.

With fewer there are more transactions; with more, what has changed does not fit into the processor's cache any more.
"""

SLICE = 500
"""Records that are taken in without giving way to other tasks."""


class Turns:
    """Turns, from one reading back of the state to the next.

    Args:
        workplace: What it shares with others.
        source: Where records come from.
        state: What they have led to so far.
        intake: Takes them into it.
        transactor: Writes.

    Attributes:
        stopping: Whether no more is to be taken in.
        caught_up: Whether all is handled that was there when they began.
    """

    def __init__(
        self, workplace: Workplace, source: Source, state: State, intake: Intake, transactor: Transactor
    ) -> None:
        self.stopping = False
        self.caught_up = False
        self._workplace = workplace
        self._inflow = Inflow(source, state.positions, workplace.ends)
        self._state = state
        self._transactor = transactor
        self._intake = intake
        self._granted = 0
        self._targets: Mapping[TopicPartition, int] | None = None
        self._noted = dict(state.positions)
        self._idle = False
        self._latest: int | None = None

    @property
    def fault(self) -> str | None:
        """Why no more is taken in, if so, for people."""
        return self._intake.fault

    @property
    def over(self) -> bool:
        """Whether no more is taken in."""
        return self.stopping or self.fault is not None

    @property
    def positions(self) -> Mapping[TopicPartition, int]:
        """The offset at which each input goes on."""
        return self._state.positions

    def lag(self) -> int | None:
        """Count the records that are not handled yet; see `Job.lag`."""
        return self._inflow.left()

    def lag_seconds(self) -> float | None:
        """Tell how old the oldest record is that is not handled yet; see `Job.lag_seconds`."""
        lag = self.lag()
        if lag is None:
            return None
        return max(0.0, time() - self._latest / 1000) if lag and self._latest is not None else 0.0

    async def wait(self) -> None:
        """Wait until there is something to do, and until it may be done."""
        inflow = self._inflow
        if not inflow.hand:
            due = self._state.fold.next_due() if self.lag() == 0 else None  # the clock matters once all is taken in
            timeout = inflow.poll if due is None else min(inflow.poll, max(0.0, due / 1000 - time()))
            await inflow.wait(timeout)
            self._idle = not inflow.hand
        self._granted = await self._workplace.throttle.grant() if inflow.hand else 0

    async def turn(self, note: str) -> bool:
        """Take in what has come in, and write what comes of it.

        Args:
            note: Is kept beside the offsets.

        Returns:
            Whether anything was written; if not, nothing has changed.
        """
        await self._take_in()
        self._look_at_clock()
        outbox = self._intake.pack()
        passed_marks = self._idle and self._noted != self.positions
        if not (self._intake.taken or outbox.batches or passed_marks):
            return False
        await self._transactor.commit(
            outbox, {partition: OffsetAndMetadata(offset, note) for partition, offset in self.positions.items()}
        )
        self._intake.committed()
        for partition, count in outbox.count().items():
            metrics.written.labels(partition.topic).inc(count)
        self._noted = dict(self.positions)
        return True

    async def _take_in(self) -> None:
        """Take in as many records as may be."""
        left = self._granted
        for number in range(TURN):
            if number and not self._inflow.hand:
                self._inflow.take()
            left = await self._work_off(left)
            if not left or self.over:
                break
        self._workplace.throttle.give_back(self._granted, self._granted - left)

    async def _work_off(self, left: int) -> int:
        """Take in what is in hand, the inputs by turns; give how many more records may be."""
        hand = self._inflow.hand
        for _ in range(len(hand)):
            if not left or self.over:
                break
            portion = hand.popleft()
            async with self._workplace.intake:
                left -= await self._take(portion, left)
            if not portion.empty:
                hand.append(portion)
        return left

    async def _take(self, portion: Portion, most: int) -> int:
        """Take in so many records of a portion at the most; give how many they were."""
        taken = 0
        while taken < most and not self.over:
            records = self._inflow.within(portion, portion.take(min(SLICE, most - taken)))
            if not records:
                self._intake.skip(portion.partition, self._inflow.after(portion))
                break
            self._latest = records[0].timestamp
            self._intake.take(portion.partition, records)
            self._latest = records[-1].timestamp
            taken += len(records)
            await asyncio.sleep(0)
        return taken

    def _look_at_clock(self) -> None:
        """Let time pass, if all is taken in that was written before."""
        ends = self._inflow.known_ends()
        if ends is None:
            return
        if self._targets is None:
            self._targets = ends
        self.caught_up = self.caught_up or self._has_reached(self._targets)
        if self._has_reached(ends):
            self._state.fold.tick(int(time() * 1000))

    def _has_reached(self, ends: Mapping[TopicPartition, int]) -> bool:
        return all(self.positions[partition] >= end for partition, end in ends.items())
