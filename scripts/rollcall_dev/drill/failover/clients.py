"""The load: clients who send at a rate, whatever has become of what they sent before, until it is accepted."""

import asyncio
from collections import Counter, deque
from itertools import count
from random import Random
from time import monotonic
from types import TracebackType
from typing import Self

from rollcall_dev.chaos.callers import Callers, Door, Line, Put
from rollcall_dev.chaos.ledger import Ledger

STUDENTS = 600
"""Students that there are in the beginning."""

INSIST_LIMIT = 60.0
"""Seconds after which clients give up what is not accepted, once no more is sent."""


class Clients:
    """Sends updates with keys while the body runs; then waits until all of them are accepted.

    A student who waits for an answer sends nothing else: the next update is that of somebody who has the time.

    Args:
        ledger: Where each attempt is noted.
        door: Where the API is.
        rate: Updates a second.
        seed: Decides.
    """

    def __init__(self, ledger: Ledger, door: Door, rate: float, seed: int) -> None:
        self._callers = Callers(ledger, door, lambda _: None)
        self._door = door
        self._rate = rate
        self._chance = Random(f"{seed}-clients")  # noqa: S311 - it has to be the same again
        self._names = (f"d-{number}" for number in count(1))
        self._idle = deque(next(self._names) for _ in range(STUDENTS))
        self._lines: list[Line] = []
        self._sent: Counter[str] = Counter()
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._pacing = self._tasks.create_task(self._pace())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pacing.cancel()
        limit = asyncio.get_running_loop().call_later(INSIST_LIMIT, self._give_up)
        await self._tasks.__aexit__(kind, error, traceback)
        limit.cancel()
        for line in self._lines:
            line.connection.drop()

    def _give_up(self) -> None:
        self._door.ending = True

    async def _pace(self) -> None:
        begin = monotonic()
        for number in count():
            await asyncio.sleep(begin + number / self._rate - monotonic())
            self._tasks.create_task(self._send())

    async def _send(self) -> None:
        student = self._idle.popleft() if self._idle else next(self._names)
        self._sent[student] += 1
        update = Put(student, self._chance.randrange(2), f"{student}/{self._sent[student]}")
        line = self._lines.pop() if self._lines else Line(self._door)
        await self._callers.insist(line, update)
        self._lines.append(line)
        self._idle.append(student)
