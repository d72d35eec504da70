"""How long it takes from sending an update until its effect can be seen."""

import contextlib
from collections.abc import Iterator, Sequence
from math import ceil

from rollcall_dev.bench import children
from rollcall_dev.bench.errors import BenchError
from rollcall_dev.bench.load import paced, watch
from rollcall_dev.bench.replicas import PARTITIONS, Replicas
from rollcall_dev.bench.stage import Server, Stage

PREFIX = "visible"
"""What the names of the topics begin with."""

_CONNECTIONS = 256
"""How many the load has at the most."""

_FLOOD = 30_000
"""Updates a second that nothing here can take."""

_STUDENTS = 10_000
"""Students of a flood."""

_PATIENCE = 20.0
"""Seconds for the last effects."""


class Latency:
    """An API and a replica, loaded with updates, on the core for servers under test.

    Args:
        stage: What they run on.
        api: The API.
        group: The replica's group.
    """

    def __init__(self, stage: Stage, api: Server, group: Replicas) -> None:
        self._stage = stage
        self._api = api
        self._group = group
        self._floods = 0

    def sustained(self, seconds: float) -> float:
        """Find out how many updates a second both can take: what the slower of them has done under a flood."""
        before = self._group.group.position()
        flood = self._send(_FLOOD, seconds, "flood-", _STUDENTS, self._floods)
        folded = self._group.group.position() - before
        self._floods += ceil(len(flood.times) / _STUDENTS)
        return min(flood.answers.in_time, folded) / seconds

    def measure(self, rate: float, seconds: float, name: str, turn: int) -> Sequence[float]:
        """Send updates evenly, each of another student.

        Args:
            rate: How many a second.
            seconds: For how long.
            name: What the students are called.
            turn: How often that was done with these students before.

        Returns:
            Seconds from the sending of each to its effect, in ascending order.

        Raises:
            BenchError: An update was not accepted, or had no effect.
        """
        students = ceil(rate * seconds)
        job = watch.Job(self._stage.bootstrap_servers, self._group.states, PARTITIONS, name, students)
        with children.begun("rollcall_dev.bench.load.watch", job, self._stage.cores.load) as watcher:
            sent = self._send(rate, seconds, name, students, turn)
            if len(sent.times) != sent.answers.answers.get(200):
                raise BenchError(f"of {len(sent.times)} updates: {sent.answers}")
            patience = _PATIENCE if len(sent.times) == students else 1.0
            return latencies(sent.times, watcher.result(watch.Seen, patience))

    def _send(self, rate: float, seconds: float, prefix: str, students: int, turn: int) -> paced.Sent:
        host, port = self._api.host, self._api.port
        job = paced.Job(host, port, rate, seconds, _CONNECTIONS, prefix, students, turn)
        return children.call("rollcall_dev.bench.load.paced", job, paced.Sent, self._stage.cores.load)


def latencies(sent: Sequence[float], seen: watch.Seen) -> Sequence[float]:
    """Match what was sent with what was seen of it first.

    Raises:
        BenchError: Something was not seen.
    """
    first: dict[int, float] = {}
    for number, time in zip(seen.numbers, seen.times, strict=True):
        first.setdefault(number, time)
    missing = [number for number in range(len(sent)) if number not in first]
    if missing:
        raise BenchError(f"{len(missing)} of {len(sent)} updates had no effect, the first of them number {missing[0]}")
    return sorted(first[number] - time for number, time in enumerate(sent))


@contextlib.contextmanager
def api(stage: Stage, prefix: str, name: str) -> Iterator[Server]:
    """Run an API while the body runs; the body begins once it is ready."""
    settings = {"TOPIC_PREFIX": f"{prefix}.", "PARTITIONS": str(PARTITIONS)}
    with stage.running(name, ["rollcall_producer"], settings) as server:
        server.await_ready()
        yield server


@contextlib.contextmanager
def serving(stage: Stage, turn: int) -> Iterator[Latency]:
    """Run an API and a replica while the body runs; the body begins once both are ready."""
    group = Replicas(stage, PREFIX, "1")
    with api(stage, PREFIX, f"{PREFIX}-api-{turn}") as server, group.running() as worker:
        worker.server.await_ready()
        yield Latency(stage, server, group)
