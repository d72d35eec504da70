"""The workers as processes, and who looks after them: one that ends is started again, as an orchestrator would."""

import asyncio
import re
import signal
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rollcall_dev.chaos.process import ANSWER_LIMIT, Service
from rollcall_dev.chaos.record.stage import Stage

PAUSE = 0.5
"""Seconds before one that has ended is started again."""

_PROGRAM = """
import sys
from rollcall_consumer.__main__ import main
{patch}
sys.argv = ["rollcall-consumer", "run"]
main()
"""

_LAG = re.compile(r'rollcall_lag_records\{partition="(\d+)"\}')


def program(patch: str = "") -> list[str]:
    """Have Python run a worker of the pipeline `record`.

    Args:
        patch: Python that makes it another one than it is, or an empty string.
    """
    return ["-c", _PROGRAM.format(patch=patch)]


class Worker(Service):
    """A worker that is started again whenever it ends, until it is to end.

    Args:
        stage: Where it works.
        log: The file that gets what it logs.
        arguments: What Python is to run.

    Attributes:
        faults: How it has ended that it should not have.
    """

    def __init__(self, stage: Stage, log: Path, arguments: Sequence[str]) -> None:
        super().__init__(stage.servers, stage.given, log, arguments)
        self.faults: list[str] = []
        self._killed = False
        self._launching = asyncio.Lock()
        self._minding = asyncio.create_task(self._mind())

    async def _mind(self) -> None:
        while True:
            async with self._launching:
                self._killed = False
                await self.launch()
            told = await self.death()
            if not self._killed:
                self.faults.append(told)
            await asyncio.sleep(PAUSE)

    def kill(self) -> None:
        """End it with no time to do anything."""
        self._killed = True
        self.send(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop it where it is."""
        self.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.send(signal.SIGCONT)

    async def retire(self) -> None:
        """Have it end in good order."""
        async with self._launching:
            self._minding.cancel()
        await asyncio.wait([self._minding])
        self.thaw()
        try:
            status = await self.end()
        except TimeoutError:
            self.faults.append(f"{self.name} did not end when it was told to")
        else:
            # One that just starts does not know of any order yet, and has nothing in hand.
            expected = {0, -signal.SIGTERM} | ({-signal.SIGKILL} if self._killed else set())
            if status not in expected:
                self.faults.append(f"{self.name} ended with status {status} when it was told to")

    async def lags(self) -> dict[int, float]:
        """Tell the lag of each partition that it holds, in records."""
        try:
            async with asyncio.timeout(ANSWER_LIMIT):
                metrics = await self.metrics()
        except TimeoutError:
            return {}
        return {int(match[1]): value for name, value in metrics.items() if (match := _LAG.fullmatch(name))}


class Fleet:
    """Workers.

    Args:
        stage: Where they work.
        directory: The directory for what they log.
        arguments: What Python is to run; by default a worker as it is.

    Attributes:
        workers: Those that there are to be now.
    """

    def __init__(self, stage: Stage, directory: Path, arguments: Sequence[str] | None = None) -> None:
        self.workers: list[Worker] = []
        self.faults: list[str] = []
        self._stage = stage
        self._directory = directory
        self._arguments = program() if arguments is None else arguments
        self._count = 0
        self._past: list[Worker] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.scale(0)

    async def scale(self, count: int) -> None:
        """Have so many workers; those that are too many end in good order."""
        while len(self.workers) < count:
            self._count += 1
            name = f"{self._stage.settings.topic_prefix}worker-{self._count}"
            self.workers.append(Worker(self._stage, self._directory / f"{name}.log", self._arguments))
        leaving, self.workers = self.workers[count:], self.workers[:count]
        self._past += leaving
        await asyncio.gather(*(worker.retire() for worker in leaving))

    async def lag(self) -> float | None:
        """Tell the lag of all partitions together, in records; None if there are some that nobody can tell it of."""
        told: dict[int, float] = {}
        for lags in await asyncio.gather(*(worker.lags() for worker in self.workers)):
            told |= lags
        return sum(told.values()) if len(told) == self._stage.settings.partitions else None

    def all_faults(self) -> list[str]:
        """Tell how workers have ended that they should not have."""
        return [fault for worker in (*self._past, *self.workers) for fault in worker.faults]

    def warnings(self) -> Mapping[str, int]:
        """Count what they have logged that is more than information."""
        return sum((worker.warnings() for worker in (*self._past, *self.workers)), Counter())
