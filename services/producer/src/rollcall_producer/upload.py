"""Many updates on their way: which were taken, which are durable by now, and what was wrong with the others."""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from time import time
from typing import Literal

from msgspec import UNSET

from rollcall_domain.errors import RollcallError
from rollcall_domain.headers import ID, TRACEPARENT
from rollcall_producer import problems
from rollcall_producer.batch import Batch, Outcome, Status, status_of
from rollcall_producer.errors import DeliveryError, NotWrittenError
from rollcall_producer.ingest import Ingest
from rollcall_producer.lines import Parsed
from rollcall_producer.problems import Problem
from rollcall_producer.update import Line
from rollcall_producer.verdicts import SHOWN_REJECTIONS, Acceptance, Rejection, Summary

SLICE = 1000
"""Lines that are taken in one go, before others get their turn."""

Verdict = Acceptance | Rejection


class _Slice:
    """Lines that were taken in one go.

    Attributes:
        before: The number of the line before the first of them.
        last: The number of the last of them.
        repeated: How many had been accepted before.
        firsts: For each batch, the number of the first line in it.
        skipped: The numbers of lines that were rejected or blank.
        fates: Where each line's verdict is asked for: rejections, and number, id and batch of the others.
    """

    __slots__ = ("_waiters", "before", "fates", "firsts", "last", "repeated", "skipped")

    def __init__(self, before: int, count: int) -> None:
        self.before = before
        self.last = before + count
        self.repeated = 0
        self.firsts: dict[Batch, int] = {}
        self.skipped: list[int] = []
        self.fates: list[Rejection | tuple[int, bytes, Batch]] = []
        self._waiters: dict[asyncio.Future[Outcome], int] = {}

    def watch(self) -> None:
        """Ask to be told what becomes of the lines. To be called once all of them are taken."""
        self._waiters = {batch.wait(): first for batch, first in self.firsts.items()}

    @property
    def is_settled(self) -> bool:
        return all(waiter.done() for waiter in self._waiters)

    async def settle(self) -> None:
        if self._waiters:
            await asyncio.wait(self._waiters)

    def statuses(self) -> set[Status]:
        """Tell what is known of the lines, batch by batch."""
        return {status_of(waiter.result()) for waiter in self._waiters}

    def failure(self) -> tuple[int, DeliveryError] | None:
        """Find the first line that is not durable, and why."""
        failures = [(first, error) for waiter, first in self._waiters.items() if (error := waiter.result()) is not None]
        return min(failures, key=lambda failure: failure[0], default=None)

    def accepted_through(self, number: int) -> int:
        """Count the lines that were taken, up to a number."""
        return number - self.before - sum(skipped <= number for skipped in self.skipped)

    def verdicts(self) -> Iterator[Verdict]:
        for fate in self.fates:
            if isinstance(fate, Rejection):
                yield fate
            else:
                number, identity, batch = fate
                yield Acceptance(line=number, status=batch.status, id=identity.decode())


class Upload:
    """The lines of one request.

    Args:
        ingest: Where updates go.
        trace: The W3C trace that they belong to, or None.
        patience: Seconds to wait for room before the rest is given up.
        verdicts: Whether the verdict on each line is asked for.

    Attributes:
        summary: What became of them so far.
        failure: Why no further lines are taken, if so.
    """

    def __init__(self, ingest: Ingest, trace: bytes | None, patience: float, *, verdicts: bool) -> None:
        self.summary = Summary(rejections=[])
        self.failure: DeliveryError | None = None
        self._ingest = ingest
        self._trace = trace
        self._patience = patience
        self._wants_verdicts = verdicts
        self._taken = 0
        self._beyond: set[Status] = set()
        self._slices: deque[_Slice] = deque()

    async def take(self, lines: Sequence[Parsed]) -> None:
        """Take lines in, as fast as there is room for them."""
        for start in range(0, len(lines), SLICE):
            if self.failure is not None:
                return
            taken = self._take_slice(lines[start : start + SLICE])
            self._slices.append(taken)
            await self._room(taken)

    async def _room(self, taken: _Slice) -> None:
        """Wait until the lanes that lines went to have room for more; and let others have their turn in any case."""
        await asyncio.sleep(0)
        lanes = (self._ingest.lanes.lane(batch.partition) for batch in taken.firsts)
        full = [lane for lane in lanes if not lane.has_room]
        try:
            async with asyncio.timeout(self._patience):
                for lane in full:
                    await lane.room()
        except TimeoutError:
            self.failure = NotWrittenError(f"Kafka took nothing within {self._patience:g} s")

    def _take_slice(self, lines: Sequence[Parsed]) -> _Slice:
        """Take lines in, whether or not there is room. The loop here is what each line of each upload costs."""
        taken = _Slice(self._taken, len(lines))
        known, new_ids = self._ingest.lanes.addresses, self._ingest.new_ids
        trace = None if self._trace is None else (TRACEPARENT, self._trace)
        firsts, fates = taken.firsts, taken.fates if self._wants_verdicts else None
        now = int(time() * 1000)
        for number, line in enumerate(lines, self._taken + 1):
            try:
                if not isinstance(line, Line):
                    self._refuse(taken, number, line)
                    continue
                address = known.get(line.student_id)
                if address is None or line.at is not None or line.id is not None:
                    batch, identity = self._take_unusual(taken, line)
                else:
                    identity = next(new_ids)
                    headers = [(ID, identity)] if trace is None else [(ID, identity), trace]
                    batch = address.lane.add(now, address.key, address.values[line.state], headers)
            except (Problem, RollcallError) as error:
                self._refuse(taken, number, error)
                continue
            if batch not in firsts:
                firsts[batch] = number
            if fates is not None:
                fates.append((number, identity, batch))
        self._taken = taken.last
        taken.watch()
        return taken

    def _take_unusual(self, taken: _Slice, line: Line) -> tuple[Batch, bytes]:
        """Take a line with a time or an id of its own, or of a student who was not seen for a while."""
        given = None if line.id is None else line.id.encode()
        batch, _, identity, repeated = self._ingest.take(line, given, self._trace)
        taken.repeated += repeated
        return batch, identity

    def _refuse(self, taken: _Slice, number: int, fault: Problem | RollcallError | None) -> None:
        """Reject a line, or pass by a blank one."""
        taken.skipped.append(number)
        if fault is None:
            return
        problem = fault if isinstance(fault, Problem) else problems.of(fault)
        field = UNSET if problem.field is None else problem.field
        rejection = Rejection(line=number, reason=problem.kind, detail=problem.detail, field=field)
        self.summary.rejected += 1
        if self.summary.rejected <= SHOWN_REJECTIONS:
            self.summary.rejections.append(rejection)
        if self._wants_verdicts:
            taken.fates.append(rejection)

    @property
    def outcome(self) -> Literal["not-written", "unknown"]:
        """What is known of all lines behind `summary.durable_through`: others of them than the first may be durable."""
        return "not-written" if self._beyond <= {"not-written"} else "unknown"

    async def settled(self, *, wait: bool) -> list[Verdict]:
        """Count the lines whose fate is known, in order and without a gap.

        Args:
            wait: Whether to wait for all that were taken.

        Returns:
            The verdicts on them, where these are asked for.
        """
        verdicts: list[Verdict] = []
        while self._slices:
            if wait:
                await self._slices[0].settle()
            elif not self._slices[0].is_settled:
                break
            taken = self._slices.popleft()
            self._count(taken)
            verdicts += taken.verdicts()
        return verdicts

    def _count(self, taken: _Slice) -> None:
        if self.summary.durable_through < taken.before:  # there is a gap before it
            self._beyond |= taken.statuses()
            return
        failure = taken.failure()
        if failure is None:
            self.summary.repeated += taken.repeated
            through = taken.last
        else:
            first, self.failure = failure
            through = first - 1
            self._beyond |= {*taken.statuses(), status_of(self.failure)}
        self.summary.accepted += taken.accepted_through(through)
        self.summary.durable_through = through
