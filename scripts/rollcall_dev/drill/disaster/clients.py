"""Clients of the API that go where it is: each gives its updates ids, and sends one until it is accepted."""

import asyncio
from collections.abc import Coroutine, Iterator
from itertools import count
from random import Random
from typing import Any

from rollcall_dev.chaos.callers import Callers, Door, Line, Put
from rollcall_dev.chaos.crowd import Crowd
from rollcall_dev.chaos.ledger import Ledger

PAUSE = 2.0
"""Seconds between the updates of a caller, on average: there are always some who have nothing on its way."""

STUDENTS = 4
"""Students of each caller."""


class Clients(Crowd):
    """Callers, while the body runs.

    Args:
        ledger: Where each attempt is noted.
        door: Where the API is.
        rate: Updates a second, of all of them together.
        seed: Decides.
    """

    def __init__(self, ledger: Ledger, door: Door, rate: float, seed: int) -> None:
        super().__init__(door)
        self._callers = Callers(ledger, door, lambda _: None)
        self._door = door
        self._count = max(1, round(rate * PAUSE))
        self._seed = seed

    def _clients(self) -> Iterator[Coroutine[Any, Any, None]]:
        yield from map(self._call, range(self._count))

    async def _call(self, number: int) -> None:
        chance = Random(f"{self._seed}-caller-{number}")  # noqa: S311 - it has to be the same again
        line = Line(self._door)
        await asyncio.sleep(chance.uniform(0, PAUSE))
        for turn in count(1):
            student = f"c{number}-{chance.randrange(STUDENTS)}"
            update = Put(student, chance.randrange(2), f"{student}/{turn}")
            if not await self._callers.insist(line, update) or self._door.ending:
                break
            await asyncio.sleep(chance.expovariate(1 / PAUSE))
        line.connection.drop()
