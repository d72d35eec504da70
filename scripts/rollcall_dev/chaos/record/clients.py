"""The load: clients of the API, and producers beside it, at a pace that leaves the machine to what is proven."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import replace
from itertools import count, cycle
from random import Random
from types import TracebackType
from typing import Any

from rollcall_dev.chaos.api import Api
from rollcall_dev.chaos.callers import Callers, Line, Put
from rollcall_dev.chaos.crowd import Crowd
from rollcall_dev.chaos.ledger import Ledger, Outcome
from rollcall_dev.chaos.record.straight import Straight, Writer
from rollcall_dev.chaos.uploads import Uploaders

CALLERS = 12

CALLER_PAUSE = 0.1
"""Seconds between the updates of a caller, on average."""

STUDENTS = 40
"""Students of each caller, of whom the first ones come far more often."""

LINES = 60
"""Lines of an upload."""

UPLOAD_PAUSE = 0.5
"""Seconds between uploads."""

STRAIGHT = {Straight.foreign: 0.05, Straight.copies: 1.0, Straight.own: 0.2, Straight.poison: 0.7}
"""What is written beside the API, and how many seconds pass from one to the next on average."""

RETRY = 0.1
"""Seconds before an update is tried again."""

FAULTY, KEYLESS, HANG_UP, TWICE, REPEAT = 0.03, 0.4, 0.04, 0.1, 0.15
"""Shares of updates: faulty; without a key; not waited for; sent to two processes at once; sent again once accepted."""


class Clients(Crowd):
    """All who send, while the body runs.

    Args:
        ledger: Where each attempt is noted that is made to the API.
        apis: The API, several times.
        writer: Writes straight to the topic.
        seed: Decides.
    """

    def __init__(self, ledger: Ledger, apis: Sequence[Api], writer: Writer, seed: int) -> None:
        super().__init__(*(api.door for api in apis))
        self._ledger = ledger
        self._callers = Callers(ledger, self._doors[0], self._tell)
        self._uploaders = [Uploaders(ledger, door, LINES, self._tell, pause=UPLOAD_PAUSE) for door in self._doors]
        self._straight = Straight(writer, self._chance(seed, "straight"))
        self._seed = seed
        self._writer = writer

    @property
    def accepted(self) -> int:
        """How many updates were accepted so far."""
        return self._ledger.count(Outcome.ACCEPTED)

    @property
    def poison(self) -> int:
        """How much poison was written so far."""
        return sum(sent.reason is not None and sent.outcome is Outcome.ACCEPTED for sent in self._writer.sent)

    def _clients(self) -> Iterator[Coroutine[Any, Any, None]]:
        yield from map(self._call, range(CALLERS))
        for number, uploaders in enumerate(self._uploaders):
            yield uploaders.upload(number)
        for write, pause in STRAIGHT.items():
            yield self._write(write, pause)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, traceback)
        await self._writer.settle()

    @property
    def _ending(self) -> bool:
        return self._doors[0].ending

    def _chance(self, seed: int, name: str) -> Random:
        return Random(f"{seed}-{name}")  # noqa: S311 - it has to be the same again

    async def _write(self, write: Callable[[Straight], None], pause: float) -> None:
        chance = self._chance(self._seed, write.__name__)
        while not self._ending:
            write(self._straight)
            await asyncio.sleep(chance.expovariate(1 / pause))

    async def _call(self, number: int) -> None:
        """Send updates of some students, one after the other."""
        chance = self._chance(self._seed, f"caller-{number}")
        lines = [Line(door) for door in (*self._doors[number % len(self._doors) :], *self._doors)][: len(self._doors)]
        for turn in count(1):
            if self._ending:
                break
            student = f"c{number}-{int(chance.random() ** 3 * STUDENTS)}"
            update = Put(student, chance.randrange(2))
            if chance.random() < FAULTY:
                await self._callers.put(lines[0], replace(update, faulty=True))
            elif chance.random() < KEYLESS:
                await self._callers.put(lines[0], replace(update, hang_up=chance.random() < HANG_UP))
            else:
                await self._insist(lines, replace(update, key=f"{student}/{turn}"), chance)
            await asyncio.sleep(chance.expovariate(1 / CALLER_PAUSE))
        for line in lines:
            line.connection.drop()

    async def _insist(self, lines: Sequence[Line], update: Put, chance: Random) -> None:
        """Send an update with a key until it is accepted, by whoever it may be, and at times more often than that."""
        if chance.random() < HANG_UP:
            await self._callers.put(lines[0], replace(update, hang_up=True))
        if chance.random() < TWICE:
            outcomes = await asyncio.gather(*(self._callers.put(line, update) for line in lines))
            if Outcome.ACCEPTED in outcomes:
                return
        for line in cycle(lines):
            if await self._callers.put(line, update) is Outcome.ACCEPTED:
                break
            if self._ending:
                return
            await asyncio.sleep(RETRY)
        if chance.random() < REPEAT:
            await self._callers.put(lines[-1], update)

    def _tell(self, _: Outcome) -> None:
        pass
