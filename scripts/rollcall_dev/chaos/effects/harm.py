"""The harm that is done to workers; each is over when it returns."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic_ns
from typing import NamedTuple

from rollcall_dev.chaos.effects.ledger import size
from rollcall_dev.chaos.effects.plan import FEWEST, KILL, MOST, SCALE, Step
from rollcall_dev.chaos.process import START_LIMIT
from rollcall_dev.chaos.record.fleet import Fleet, Worker

WORK_LIMIT = 15.0
"""Seconds after which a worker is taken for one that has no work."""

LOOK = 0.005
"""Seconds between looks at whether it has."""


class Harm(NamedTuple):
    """A harm that was done.

    Attributes:
        at: When, in nanoseconds of the monotonic clock.
        fault: Its name.
        process: The process that was killed by it, if one was.
    """

    at: int
    fault: str
    process: int | None = None


def kills(harms: Iterable[Harm]) -> Mapping[int, int]:
    """Tell when each process was killed that was, in nanoseconds of the monotonic clock."""
    return {harm.process: harm.at for harm in harms if harm.process is not None}


@dataclass
class Scene:
    """What may be harmed.

    Attributes:
        fleet: The workers.
        ledgers: The directory for their ledgers.
        tell: Is told what is done.
        harms: What was done so far.
    """

    fleet: Fleet
    ledgers: Path
    tell: Callable[[str], None]
    harms: list[Harm] = field(default_factory=list)

    async def follow(self, steps: Sequence[Step]) -> None:
        """Do harm, step by step."""
        for step in steps:
            await asyncio.sleep(step.gap)
            await (self._kill(step) if step.fault == KILL else self._scale(step))

    async def _kill(self, step: Step) -> None:
        worker = self.fleet.workers[int(step.pick * len(self.fleet.workers))]
        process = await _process_of(worker)
        if step.at_work:
            await self._work(process)
            await asyncio.sleep(step.delay)
        worker.kill()
        self.harms.append(Harm(monotonic_ns(), KILL, process))
        self.tell(f"{worker.name} is killed{', at work' if step.at_work else ''}")

    async def _scale(self, step: Step) -> None:
        workers = self.fleet.workers
        count = len(workers)
        up = count < MOST and (step.up or count == FEWEST)
        if not up:
            workers.append(workers.pop(int(step.pick * count)))  # the last one is to go
        self.harms.append(Harm(monotonic_ns(), SCALE))
        self.tell(f"workers: {count + (1 if up else -1)}")
        await self.fleet.scale(count + (1 if up else -1))

    async def _work(self, process: int) -> None:
        """Wait until a worker is at work, or has none for long."""
        before = size(self.ledgers, process)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WORK_LIMIT):
                while size(self.ledgers, process) == before:  # noqa: ASYNC110 - a file can only be asked
                    await asyncio.sleep(LOOK)


async def _process_of(worker: Worker) -> int:
    """Wait until a worker runs, and give the id of its process."""
    async with asyncio.timeout(START_LIMIT):
        while not worker.running or worker.pid is None:  # noqa: ASYNC110 - can only be asked
            await asyncio.sleep(LOOK)
    return worker.pid
