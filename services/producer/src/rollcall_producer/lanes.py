"""Step 2 of an update's way: one queue for each partition, and one batch of it on its way at any time.

What arrives while a batch is out forms the next one. So batches grow with the load, a lone update waits for nothing,
and the order within a partition, which is that per student, is the order of admission.
"""

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rollcall_domain import codec
from rollcall_domain.events import State, StudentRecordUpdate, check_student_id
from rollcall_domain.partition import partition_for
from rollcall_producer import metrics
from rollcall_producer.journal import Journal
from rollcall_producer.lane import Lane
from rollcall_producer.linger import Linger

ADDRESSES = 65_536
"""Students whose addresses are remembered: the same ones come again, and finding out takes 2 µs. Some 30 MB."""

LEAST_LIMIT = 1024 * 1024
"""Bytes that may wait in one lane, however many there are."""

SWEEPS = 20
"""Looks at how long batches have been waiting, within the time of the deadline."""


@dataclass(slots=True)
class Address:
    """Where a student's records go, and what is in them.

    Attributes:
        lane: The way to the student's partition.
        key: The record's key.
        values: The record's value, by the name of the state.
    """

    lane: Lane
    key: bytes
    values: dict[str, bytes]


class Lanes:
    """All lanes of the topic.

    Args:
        journal: Where records go.
        partitions: How many partitions the topic has, as far as is known before Kafka has said so.
        deadline: Seconds from an update's admission until its caller is told what is known by then.
        limit: Bytes that may be on their way in all lanes together.

    Attributes:
        addresses: Those of the students who were seen last, by StudentId.
    """

    def __init__(self, journal: Journal, partitions: int, deadline: float, limit: int) -> None:
        self._journal = journal
        self._deadline = deadline
        self._limit = limit
        self._lanes: list[Lane] = []
        self._lingers: dict[int | None, Linger] = {}
        self.addresses: dict[str, Address] = {}
        self._tasks = asyncio.TaskGroup()
        self._running: list[asyncio.Task[None]] = []
        self._count = partitions

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._running.append(self._tasks.create_task(self._sweep(), name="sweep"))
        self.spread(self._count)
        self._journal.on_layout(self.spread)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._running:
            task.cancel()
        await self._tasks.__aexit__(kind, error, traceback)

    def spread(self, partitions: int) -> None:
        """Spread students over a number of partitions from now on."""
        self._count = partitions
        self.addresses.clear()
        share = max(LEAST_LIMIT, self._limit // partitions)
        while len(self._lanes) < partitions:
            lane = Lane(len(self._lanes), self._journal, self._linger, share, self._deadline)
            self._lanes.append(lane)
            self._running.append(self._tasks.create_task(lane.run(), name=f"lane {lane.partition}"))

    def lane(self, partition: int) -> Lane:
        """Give the way to a partition."""
        return self._lanes[partition]

    def address(self, student_id: str) -> Address:
        """Find out where a student's records go.

        Raises:
            InvalidStudentIdError: No record may carry this StudentId.
        """
        known = self.addresses.get(student_id)
        return self._find_address(student_id) if known is None else known

    def _find_address(self, student_id: str) -> Address:
        check_student_id(student_id)
        key = student_id.encode()
        values = {state.name: codec.encode(StudentRecordUpdate(student_id, state)) for state in State}
        if len(self.addresses) >= ADDRESSES:
            self.addresses.clear()
        address = Address(self._lanes[partition_for(key, self._count)], key, values)
        self.addresses[student_id] = address
        return address

    def fault(self) -> str | None:
        """Tell why no update can be taken now, or None. That one partition is stuck is no reason to take none."""
        if self._journal.fault is not None:
            return self._journal.fault
        shortest = min(lane.out_for() for lane in self._lanes)
        return f"Kafka has not acknowledged a batch for {shortest:.0f} s" if shortest > self._deadline else None

    def _linger(self, partition: int) -> Linger:
        leader = self._journal.leader(partition)
        if leader not in self._lingers:
            self._lingers[leader] = Linger(self._count_waiting)
        return self._lingers[leader]

    def _count_waiting(self) -> int:
        return sum(lane.waiting for lane in self._lanes)

    async def _sweep(self) -> None:
        """Answer those who have waited for as long as they may."""
        pause = self._deadline / SWEEPS
        while True:
            await asyncio.sleep(pause)
            for lane in self._lanes:
                lane.sweep(pause)
            metrics.queued_bytes.set(sum(lane.used for lane in self._lanes))
            metrics.in_flight.set(sum(lane.records for lane in self._lanes))
