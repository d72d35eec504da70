"""What is handled, by a handler and a clock that all have who are compared with each other."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from time import perf_counter, process_time
from typing import NamedTuple

import msgspec
import uvloop

from rollcall_dev.bench.children import obey
from rollcall_dev.bench.load.chores import Chore, Log

FAILING = 0
"""The key whose chores fail, where some do."""

_LIMIT = 300.0
"""Seconds for all chores."""


class Job(msgspec.Struct):
    """What to handle.

    Attributes:
        bootstrap_servers: Where the chores lie.
        warm: Those that are handled beforehand.
        log: Those that count.
        group: The consumer group; nobody else has one that is called so.
        lanes: How many are handled at a time.
        failing: Seconds for which those of one key fail, from the first try on.
    """

    bootstrap_servers: str
    warm: Log
    log: Log
    group: str
    lanes: int
    failing: float = 0.0


class Outcome(msgspec.Struct):
    """What came of it, from the moment at which the partition is read from.

    Attributes:
        finished: Seconds until all were handled.
        healthy: Seconds until those were that never failed.
        committed: Seconds until that was committed; as above by those who commit nothing.
        cpu_seconds: CPU time until then.
        fault: What was not handled as it must be, if something was not.
    """

    finished: float
    healthy: float
    committed: float
    cpu_seconds: float
    fault: str | None


class _Moment(NamedTuple):
    time: float
    cpu: float


def _now() -> _Moment:
    return _Moment(perf_counter(), process_time())


class Handling:
    """The handler, with a clock and a list of what was done.

    Args:
        log: What is to be handled.
        failing: Seconds for which the chores of one key fail, from the first try on.

    Attributes:
        finished: Is set once all is handled.
        settled: Is set once that is committed as well.
    """

    def __init__(self, log: Log, failing: float = 0.0) -> None:
        self.finished = asyncio.Event()
        self.settled = asyncio.Event()
        self._log = log
        self._failing = failing
        self._recovery: float | None = None
        self._last = log.records - log.keys
        self._done: list[list[int]] = [[] for _ in range(log.keys)]
        self._ends: dict[int, float] = {}
        self._begin: _Moment | None = None
        self._end = _now()

    def begin(self) -> None:
        """Start the clock: from now on the partition is read. Who begins anew goes on by the same clock."""
        self._begin = self._begin or _now()

    async def handle(self, chore: Chore) -> None:
        """Do a chore."""
        await asyncio.sleep(chore.seconds)
        if self._failing and chore.key == FAILING:
            self._fail()
        self._done[chore.key].append(chore.number)
        if chore.number >= self._last:
            self._ends[chore.key] = perf_counter()
            if len(self._ends) == self._log.keys:
                self._end = _now()
                self.finished.set()

    def _fail(self) -> None:
        if self._recovery is None:
            self._recovery = perf_counter() + self._failing
        if perf_counter() < self._recovery:
            raise ConnectionError("by intent")

    def commit(self) -> None:
        """Hear that all is committed."""
        self._end = _now()
        self.settled.set()

    def outcome(self) -> Outcome:
        """Tell what came of it."""
        assert self._begin is not None  # noqa: S101 - nothing is handled that was not read
        begin, cpu = self._begin
        return Outcome(
            finished=max(self._ends.values()) - begin,
            healthy=max(end for key, end in self._ends.items() if key != FAILING) - begin,
            committed=self._end.time - begin,
            cpu_seconds=self._end.cpu - cpu,
            fault=self.fault(),
        )

    def fault(self) -> str | None:
        """Tell which key is not handled as it must be, if one is not: each chore once, one after the other."""
        for key, done in enumerate(self._done):
            wanted = [*range(key, self._log.records, self._log.keys)]
            if done != wanted:
                place = next(
                    (place for place, pair in enumerate(zip(done, wanted, strict=False)) if pair[0] != pair[1]),
                    min(len(done), len(wanted)),
                )
                return f"{len(done)} of {len(wanted)} chores of key {key} were handled, and wrongly from {place} on"
        return None


Handle = Callable[[Job, Log, Handling], Awaitable[None]]
"""Handles all of a log."""


def compete(handle: Handle) -> None:
    """Be a process that handles chores: some to get warm, and then those that count."""
    obey(Job, lambda job: uvloop.run(_compete(handle, job)))


async def _compete(handle: Handle, job: Job) -> Outcome:
    async with asyncio.timeout(_LIMIT):
        await handle(job, job.warm, Handling(job.warm))
        gc.collect()
        gc.freeze()
        gc.set_threshold(100_000, 50, 100)  # as the worker has it
        handling = Handling(job.log, job.failing)
        await handle(job, job.log, handling)
    return handling.outcome()
