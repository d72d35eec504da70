"""Updates that come in all the while, at a rate."""

import asyncio
import contextlib
from collections import Counter
from itertools import count
from time import monotonic
from types import TracebackType
from typing import Self

from rollcall_dev.chaos.record.stage import Stage
from rollcall_dev.chaos.record.straight import Sent, Writer
from rollcall_domain import codec
from rollcall_domain.events import State, StudentRecordUpdate
from rollcall_domain.partition import partition_for

STUDENTS = 300
"""Students who come and go."""


class Load:
    """Writes updates while the body runs, as the API does: in, and then out, of one student after the other.

    Args:
        stage: Where.
        rate: Updates a second.
        name: What the names of students begin with.

    Attributes:
        sent: How many updates of each student were written.
    """

    def __init__(self, stage: Stage, rate: float, name: str = "l") -> None:
        self.sent: Counter[str] = Counter()
        self._writer = Writer(stage)
        self._rate = rate
        self._name = name

    async def __aenter__(self) -> Self:
        self._writer.__enter__()
        self._pacing = asyncio.create_task(self._pace())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pacing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._pacing
        await self._writer.settle()
        self._writer.__exit__(kind, error, traceback)

    async def write(self, updates: int) -> None:
        """Write so many updates at once, and wait until they are written."""
        for number in range(updates):
            self.send(f"{self._name}-{number % STUDENTS}")
        await self._writer.settle()

    def send(self, student: str) -> None:
        """Write the next update of a student."""
        state = State(self.sent[student] % 2)
        self.sent[student] += 1
        self.raw(student.encode(), codec.encode(StudentRecordUpdate(student, state)), f"{student}/{self.sent[student]}")

    def raw(self, key: bytes, value: bytes, identity: str) -> None:
        """Write a record, whatever it says."""
        self._writer.write(Sent(partition_for(key, self._writer.partitions), key, value, identity.encode()))

    async def _pace(self) -> None:
        begin = monotonic()
        for number in count() if self._rate else ():
            await asyncio.sleep(begin + number / self._rate - monotonic())
            self.send(f"{self._name}-{number % STUDENTS}")
