"""How fast updates are folded, with everything on, beside a loop that only reads; and how fast a state comes back."""

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from rollcall_dev.bench import children, replicas
from rollcall_dev.bench.errors import BenchError
from rollcall_dev.bench.group import Speed, speed
from rollcall_dev.bench.load import fill
from rollcall_dev.bench.peers import getmany
from rollcall_dev.bench.replicas import PARTITIONS, Replica, Replicas, Restoration
from rollcall_dev.bench.stage import Stage

_WARM = 0.1
"""The share of a log that does not count."""

_RESTORE_LIMIT = 300.0
"""Seconds for a replica to be ready."""


@dataclass(frozen=True)
class Log:
    """A topic full of updates.

    Attributes:
        prefix: What its name begins with.
        topic: Its full name.
        students: How many students the updates are about.
        begins: Offset of each partition from which on it counts: none of its students is new there.
        ends: Offset of each partition at which it ends.
    """

    prefix: str
    topic: str
    students: int
    begins: Sequence[int]
    ends: Sequence[int]


def write(stage: Stage, prefix: str, students: int, events: int) -> Log:
    """Write such a topic."""
    topic = stage.create_topic(prefix, PARTITIONS)
    job = fill.Job(stage.bootstrap_servers, topic, PARTITIONS, students, events)
    filled = children.call("rollcall_dev.bench.load.fill", job, fill.Filled, stage.cores.server)
    begins = [max(known, int(_WARM * end)) for known, end in zip(filled.known, filled.ends, strict=True)]
    return Log(prefix, topic, students, begins, filled.ends)


@dataclass(frozen=True)
class Restored:
    """What it took a replica to go on with the state of another one.

    Attributes:
        state: What it read back.
        ready: Seconds from its start until it was ready.
        memory: The most memory that it had until then, in megabytes.
    """

    state: Restoration
    ready: float
    memory: float


@dataclass(frozen=True)
class Folded:
    """What came of a run.

    Attributes:
        speed: How fast.
        memory: The most memory that a replica had, in megabytes.
        restored: What it took the next one to take over, if that was asked for.
    """

    speed: Speed
    memory: float
    restored: Restored | None


_groups = count(1)


def fold(stage: Stage, log: Log, processes: int = 1, *, restore: bool = False) -> Folded:
    """Have a new group handle a log; one replica on the core for servers under test, several on all cores.

    Raises:
        BenchError: Not every update was handled as it must be.
    """
    group = Replicas(stage, log.prefix, f"g{next(_groups)}")
    cores = stage.cores.server if processes == 1 else stage.cores.server | stage.cores.load
    with group.passing():
        with contextlib.ExitStack() as stack:
            workers = [stack.enter_context(group.running(cores)) for _ in range(processes)]
            pids = [worker.server.pid for worker in workers]
            samples = group.group.follow(pids, log.ends, lambda: replicas.settled(workers))
            _account(workers, sum(log.ends))
            memory = max(worker.server.peak_memory() for worker in workers)
        restored = _restore(group) if restore else None
    return Folded(speed(samples, log.begins, log.ends), memory, restored)


def _account(workers: Sequence[Replica], records: int) -> None:
    """Make sure that each update has had its effect: a benchmark of errors is worth nothing."""
    counts = [worker.counted() for worker in workers]
    handled, repeated, letters = (
        sum(count.get(name, 0.0) for count in counts)
        for name in ("rollcall_records_total", "rollcall_repeated_records_total", "rollcall_dead_letters_total")
    )
    if (handled, repeated, letters) != (records, 0, 0):
        raise BenchError(f"{handled:g} of {records} updates were handled, {repeated:g} repeated, {letters:g} kept")


def _restore(group: Replicas) -> Restored:
    begin = time.monotonic()
    with group.running() as worker:
        worker.server.await_ready(_RESTORE_LIMIT)
        ready = time.monotonic() - begin
        return Restored(replicas.restoration(worker.lines("Restored")), ready, worker.server.peak_memory())


def raw(stage: Stage, log: Log) -> Speed:
    """Read a log, and do nothing with it."""
    job = getmany.Job(stage.bootstrap_servers, log.topic, [*log.begins], [*log.ends])
    read = children.call("rollcall_dev.bench.peers.getmany", job, getmany.Read, stage.cores.server)
    return Speed(read.records / read.seconds, read.cpu_seconds / read.records * 1e6)
