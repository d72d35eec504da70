"""What reads cost with very many students: until there are any, each of them, and the updates beside them."""

import argparse
import contextlib
import random
import signal
import time
from collections.abc import Iterator, Sequence

import httpx

from rollcall_dev.bench import children, folding, measure
from rollcall_dev.bench.errors import BenchError
from rollcall_dev.bench.folding import Log
from rollcall_dev.bench.load import gets
from rollcall_dev.bench.load.fill import student_id
from rollcall_dev.bench.load.phases import Seen
from rollcall_dev.bench.options import count
from rollcall_dev.bench.replicas import PARTITIONS, Replicas
from rollcall_dev.bench.report import Report, conditions, show
from rollcall_dev.bench.stage import LASTING, Server, Stage, raised, say
from rollcall_dev.tables import table

SUMMARY = "reads of a million students: how soon, how fast, and what is left for updates beside them"

PREFIX = "reads"
"""What the names of the topics begin with."""

RATE = 200
"""Reads a second beside updates."""

CONNECTIONS = 64
"""Of the load of updates."""

_READY_LIMIT = 600.0
"""Seconds for the API to show all."""

_PACE = 50.0
"""Reads of one kind a second, while their latency is measured."""

_PACES = {"count": 5.0, "history": 1.0, "at": 1.0}
"""The same for those that take much longer, so that they do not wait for each other."""

_FEWEST = 30
"""Reads of a kind at the least."""

_TARGETS = 500
"""Different students who are asked for."""

_SEED = 1


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this bench."""
    measure.add_options(parser)
    parser.add_argument("--students", type=count, metavar="N", help="default: 1,000,000, with --quick 100,000")
    parser.add_argument("--rounds", type=count, metavar="N", help="default: 15, with --quick 5")
    parser.add_argument("--seconds", type=float, help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> Report:
    """Measure, and print what there is to see.

    Raises:
        BenchError: Something did not work as it must.
    """
    students = options.students or (100_000 if options.quick else 1_000_000)
    seconds = options.seconds or 4
    rounds = options.rounds or (5 if options.quick else 15)
    report = Report()
    with raised(LASTING) as stage:
        puts = measure.Puts(stage, options.load)
        say(f"writing updates of {students:,} students, two of each")
        log = folding.write(stage, PREFIX, students, 2 * students)
        _fold(stage, log)
        bench = _Reads(stage, log, report)
        with bench.started() as server:
            bench.latencies(server, seconds)
            bench.updates(server, puts, rounds, seconds)
            bench.feeding(server, puts, rounds, seconds)
        report.set("others_share", stage.others.share())
    report.compare("put_share", "put_rate_with", "put_rate_without")
    report.compare("view_share", "put_rate_view", "put_rate_blind")
    print(f"{students:,} students. Medians of {rounds} rounds. {conditions(report['others_share'])}\n")
    print(_show(report))
    return report


def _fold(stage: Stage, log: Log) -> None:
    """Have a worker derive what is to be shown."""
    say("deriving their records")
    group = Replicas(stage, log.prefix, "1")
    with group.running() as worker:
        group.group.follow([worker.server.pid], log.ends, lambda: bool(worker.holds()))


KINDS = ("record", "unchanged", "page", "prefix", "since", "count", "activity", "alerts", "history", "at", "pipeline")
"""What is read, each measured by itself."""


class _Reads:
    def __init__(self, stage: Stage, log: Log, report: Report) -> None:
        self._stage = stage
        self._log = log
        self._report = report
        self._file = stage.directory / "view.sqlite"
        draw = random.Random(_SEED)  # noqa: S311 - the same again
        self._students = [student_id(draw.randrange(log.students)) for _ in range(_TARGETS)]

    @contextlib.contextmanager
    def started(self) -> Iterator[Server]:
        """Start the API with nothing, with the file that it has kept, and with one that was left behind."""
        for name, number in (("empty", signal.SIGTERM), ("kept", signal.SIGKILL)):
            with self._start(name) as server:
                self._end(server, number)
        with self._start("left") as server:
            yield server

    @contextlib.contextmanager
    def _start(self, name: str) -> Iterator[Server]:
        settings = {
            "TOPIC_PREFIX": f"{self._log.prefix}.",
            "PARTITIONS": str(PARTITIONS),
            "VIEWS_FILE": str(self._file),
            "ACCESS_LOG_RATE": "0",
        }
        begin = time.monotonic()
        with self._stage.running(f"api-{name}", ["rollcall_producer"], settings) as server:
            server.await_ready(_READY_LIMIT)
            self._report.set(f"ready_{name}_s", time.monotonic() - begin)
            self._report.set(f"rss_{name}_mb", server.peak_memory())
            self._account(server)
            say(f"  ready from {name}: {show(self._report[f'ready_{name}_s'])} s")
            yield server

    def _account(self, server: Server) -> None:
        shown = httpx.get(f"{server.url}/Record?limit=1&count=true", trust_env=False, timeout=60).json()["Count"]
        if shown != self._log.students:
            raise BenchError(f"{shown} of {self._log.students} students are shown")

    def _end(self, server: Server, number: signal.Signals) -> None:
        server.end(number)
        self._report.set("file_mb", self._file.stat().st_size / 1e6)

    def latencies(self, server: Server, seconds: float) -> None:
        """Measure each kind of read by itself."""
        for kind in KINDS:
            seen = self._read(server, kind, seconds)
            self._report.set(f"{kind}_p50_ms", seen.p50 * 1e3)
            self._report.set(f"{kind}_p99_ms", seen.p99 * 1e3)
            say(f"  {kind}: p50 {show(seen.p50 * 1e3)} ms, p99 {show(seen.p99 * 1e3)} ms")

    def _read(self, server: Server, kind: str, seconds: float) -> Seen:
        headers = "if-none-match: *\r\n" if kind == "unchanged" else ""
        rate = _PACES.get(kind, _PACE)
        job = gets.Job(server.host, server.port, self._targets(kind), rate, max(seconds, _FEWEST / rate), headers)
        seen = children.call("rollcall_dev.bench.load.gets", job, Seen, self._stage.cores.load)
        if seen.lost or seen.answers.keys() - {200, 304}:
            raise BenchError(f"{kind}: {seen.lost} answers were lost, others were {seen.answers}")
        return seen

    def _targets(self, kind: str) -> list[str]:
        students = self._students
        return {
            "record": [f"/Record/{student}" for student in students],
            "unchanged": [f"/Record/{student}" for student in students],
            "page": ["/Record?state=LoggedIn", "/Record?state=LoggedOut"],
            "prefix": [f"/Record?state=LoggedOut&prefix={student[:4]}" for student in students],
            "since": ["/Record?state=LoggedOut&since=-10m"],
            "count": ["/Record?state=LoggedOut&count=true&limit=1"],
            "history": [f"/Record/{student}/History" for student in students],
            "at": [f"/Record/{student}?at=latest" for student in students],
        }.get(kind, [f"/{kind.capitalize()}"])

    def updates(self, server: Server, puts: measure.Puts, rounds: int, seconds: float) -> None:
        """Measure updates without reads and with them, in turns."""
        kinds = ("record", "page", "activity", "alerts")
        targets = _mixed([self._targets(kind) for kind in kinds])
        job = gets.Job(server.host, server.port, targets, RATE)
        puts.measure(server, CONNECTIONS, 2 * seconds)
        for turn in range(1, rounds + 1):
            say(f"round {turn} of {rounds}")
            self._put(server, puts, seconds, "without")
            with children.beside("rollcall_dev.bench.load.gets", job, self._stage.cores.load):
                self._put(server, puts, seconds, "with")

    def feeding(self, server: Server, puts: measure.Puts, rounds: int, seconds: float) -> None:
        """Measure updates that a worker handles, so that the view follows, and without a view, in turns."""
        settings = {"TOPIC_PREFIX": f"{self._log.prefix}.", "PARTITIONS": str(PARTITIONS), "VIEWS": "false"}
        with (
            Replicas(self._stage, self._log.prefix, "1").running(),
            self._stage.running("api-blind", ["rollcall_producer"], settings) as blind,
        ):
            blind.await_ready()
            for turn in range(1, rounds + 1):
                say(f"round {turn} of {rounds}")
                self._put(server, puts, seconds, "view")
                self._put(blind, puts, seconds, "blind")

    def _put(self, server: Server, puts: measure.Puts, seconds: float, name: str) -> None:
        result = puts.measure(server, CONNECTIONS, seconds)
        self._report.add(f"put_rate_{name}", result.rate)
        self._report.add(f"put_p99_ms_{name}", result.p99 * 1e3)
        say(f"  {name}: {show(result.rate)} updates/s, p99 {show(result.p99 * 1e3)} ms")


def _mixed(kinds: Sequence[Sequence[str]]) -> list[str]:
    """Take one of each kind in turns, until the longest has been taken whole."""
    longest = max(map(len, kinds))
    return [kind[number % len(kind)] for number in range(longest) for kind in kinds]


def _show(report: Report) -> str:
    starts = [
        [how, show(report[f"ready_{name}_s"]), show(report[f"rss_{name}_mb"])]
        for name, how in (
            ("empty", "nothing"),
            ("kept", "the kept file"),
            ("left", "the file that was left by SIGKILL"),
        )
    ]
    reads = [[kind, show(report[f"{kind}_p50_ms"]), show(report[f"{kind}_p99_ms"])] for kind in KINDS]
    puts = [
        [f"{name} reads", show(report[f"put_rate_{name}"]), show(report[f"put_p99_ms_{name}"])]
        for name in ("without", "with")
    ]
    puts.append(["with / without", show(report["put_share"]), ""])
    views = [
        [how, show(report[f"put_rate_{name}"]), show(report[f"put_p99_ms_{name}"])]
        for name, how in (("blind", "no view"), ("view", "a view that follows"))
    ]
    views.append(["a view / no view", show(report["view_share"]), ""])
    return "\n\n".join(
        (
            table(["Ready from", "s", "RSS MB"], starts) + f"\nThe file has {show(report['file_mb'])} MB.",
            table(["Read", "p50 ms", "p99 ms"], reads),
            table([f"PUT, {CONNECTIONS} connections, {RATE} reads/s", "requests/s", "p99 ms"], puts),
            table(["PUT beside a worker", "requests/s", "p99 ms"], views),
        )
    )
