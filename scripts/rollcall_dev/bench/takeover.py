"""How long a partition stands still when the replica that works on it ends, or is killed."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec

from rollcall_dev.bench import children, replicas
from rollcall_dev.bench.errors import BenchError
from rollcall_dev.bench.load import paced, watch
from rollcall_dev.bench.replicas import PARTITIONS, Replica, Replicas
from rollcall_dev.bench.stage import Stage
from rollcall_dev.bench.visible import api

PREFIX = "takeover"
"""What the names of the topics begin with."""

RATE = 500
"""Updates a second."""

SIGNALS = {"term": signal.SIGTERM, "kill": signal.SIGKILL}
"""What is done to a replica, by name."""

_STUDENTS = 5000
_CALM = 2.0
"""Seconds of normal work before a signal, and after the takeover."""

_LIMIT = 60.0
"""Seconds for a takeover."""


@dataclass(frozen=True)
class End:
    """The end of a replica.

    Attributes:
        name: What was done to it.
        begin: When, by the monotonic clock.
        over: When others had worked in its place for a while.
        restored: When another one was ready to go on, for each partition that it had.
    """

    name: str
    begin: float
    over: float
    restored: Mapping[int, float]


@dataclass(frozen=True)
class Silence:
    """How long effects were missing.

    Attributes:
        name: What was done to a replica.
        lost: Seconds from the signal until there were effects again in all partitions that it had.
        kept: Seconds for which there were none in another one, which stands still while the group shares all out anew.
    """

    name: str
    lost: float
    kept: float


def measure(stage: Stage, repeats: int) -> list[Silence]:
    """Have one of two replicas end, again and again, in each way in turns.

    Raises:
        BenchError: The other one did not take over.
    """
    group = Replicas(stage, PREFIX, "1")
    ends = []
    with api(stage, PREFIX, f"{PREFIX}-api") as server, contextlib.ExitStack() as stack:
        pair = _Pair(group, stack)
        job = watch.Job(stage.bootstrap_servers, group.states, PARTITIONS, "s-")
        watcher = stack.enter_context(children.begun("rollcall_dev.bench.load.watch", job, stage.cores.load))
        load = paced.Job(server.host, server.port, RATE, repeats * len(SIGNALS) * _LIMIT, 64, "s-", _STUDENTS)
        stack.enter_context(_loaded(load, stage.cores.load))
        for _ in range(repeats):
            ends += [pair.end(name) for name in SIGNALS]
        seen = watcher.result(watch.Seen)
    return [silence(end, seen) for end in ends]


@contextlib.contextmanager
def _loaded(job: paced.Job, cores: frozenset[int]) -> Iterator[None]:
    """Send updates while the body runs."""
    command = children.module("rollcall_dev.bench.load.paced", msgspec.json.encode(job).decode())
    with children.running(command, cores):
        yield


class _Pair:
    """Two replicas, of which the elder one ends and another one takes its place."""

    def __init__(self, group: Replicas, stack: contextlib.ExitStack) -> None:
        self._group = group
        self._stack = stack
        self._pair = [self._start(), self._start()]
        replicas.await_settled(self._pair)

    def _start(self) -> Replica:
        return self._stack.enter_context(self._group.running())

    def end(self, name: str) -> End:
        victim, survivor = self._pair
        time.sleep(_CALM)
        partitions = victim.holds()
        before, begin = replicas.now(), time.monotonic()
        os.kill(victim.server.pid, SIGNALS[name])
        while not partitions <= survivor.restored(before).keys():
            if time.monotonic() - begin > _LIMIT:
                raise BenchError(f"partitions {sorted(partitions)} were not taken over: {survivor.server.said()}")
            time.sleep(0.05)
        time.sleep(_CALM)
        restored = {partition: begin + seconds for partition, seconds in survivor.restored(before).items()}
        end = End(name, begin, time.monotonic(), {partition: restored[partition] for partition in partitions})
        self._pair = [survivor, self._start()]
        replicas.await_settled(self._pair)
        return end


def silence(end: End, seen: watch.Seen) -> Silence:
    """Find out how long effects were missing.

    Raises:
        BenchError: There were none.
    """
    times: list[list[float]] = [[] for _ in range(PARTITIONS)]
    for moment, partition in sorted(zip(seen.times, seen.partitions, strict=True)):
        times[partition].append(moment)
    lost = [_first(times[partition], restored) - end.begin for partition, restored in end.restored.items()]
    kept = [_longest(times[partition], end) for partition in range(PARTITIONS) if partition not in end.restored]
    return Silence(end.name, max(lost), max(kept, default=0.0))


def _first(times: Sequence[float], after: float) -> float:
    first = next((moment for moment in times if moment >= after), None)
    if first is None:
        raise BenchError("a partition has had no effect after it was taken over")
    return first


def _longest(times: Sequence[float], end: End) -> float:
    inside = [moment for moment in times if end.begin <= moment <= end.over]
    return max(after - before for before, after in pairwise([end.begin, *inside, end.over]))
