"""What happens, to thousands of viewers at once: how soon each of them has it, and what is left for updates."""

import argparse
import contextlib
import time
from collections.abc import Iterator
from math import ceil

import httpx

from rollcall_dev.bench import children, machine, measure
from rollcall_dev.bench.errors import BenchError
from rollcall_dev.bench.load import crowd, paced
from rollcall_dev.bench.load.result import percentile
from rollcall_dev.bench.options import count
from rollcall_dev.bench.report import Report, conditions, show
from rollcall_dev.bench.stage import Server, Stage, raised, say
from rollcall_dev.tables import table
from rollcall_producer.stream.past import READERS
from rollcall_producer.views.group import PULSE

SUMMARY = "what happens, to 5,000 viewers at once: how soon they have it, and what is left for updates beside them"

PREFIX = "stream"
"""What the names of the topics begin with."""

RATE = 100.0
"""Updates a second."""

LOOKERS = 100
"""Viewers who note when each update comes."""

ROUTE = "/Record/Stream"

_CONNECTIONS = 64
"""Of the load of updates."""

_OTHERS = 1000
"""Connections that the API has room for beside those of viewers."""

_SETTLING = 2.0
"""Seconds for the last messages to come."""

_WORK_LIMIT = 120.0
"""Seconds for the worker to handle what was sent."""

_LOOKS = 2
"""Looks by which nothing must be left."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this bench."""
    measure.add_options(parser)
    parser.add_argument("--viewers", type=count, metavar="N", default=5000, help="default: %(default)d")
    parser.add_argument("--rounds", type=count, metavar="N", help="default: 3, with --quick 1")
    parser.add_argument("--seconds", type=float, help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> Report:
    """Measure, and print what there is to see.

    Raises:
        BenchError: Something did not work as it must.
    """
    seconds = options.seconds or (5 if options.quick else 15)
    rounds = options.rounds or (1 if options.quick else 3)
    with raised() as stage:
        bench = _Stream(stage, measure.Puts(stage, options.load), options.viewers, seconds)
        with bench.serving() as server:
            bench.warm(server)
            for turn in range(1, rounds + 1):
                say(f"round {turn} of {rounds}")
                bench.alone(server)
                bench.watched(server, "all", ROUTE)
                bench.watched(server, "one", f"{ROUTE}?student={PREFIX}-{{}}")
                bench.past(server)
            bench.report.set("rss_mb", server.peak_memory())
        bench.report.set("others_share", stage.others.share())
    report = bench.report
    report.compare("put_share", "put_rate_all", "put_rate_alone")
    print(f"{options.viewers:,} viewers. Medians of {rounds} rounds. {conditions(report['others_share'])}\n")
    print(_show(report))
    return report


class _Stream:
    def __init__(self, stage: Stage, puts: measure.Puts, viewers: int, seconds: float) -> None:
        self.report = Report()
        self._stage = stage
        self._puts = puts
        self._viewers = viewers
        self._seconds = seconds
        self._turn = 0

    @contextlib.contextmanager
    def serving(self) -> Iterator[Server]:
        """Run an API on the core for servers under test, and a worker on the others."""
        settings = {"TOPIC_PREFIX": f"{PREFIX}."}
        api = {**settings, "CONNECTIONS": str(self._viewers + _OTHERS), "ACCESS_LOG_RATE": "0"}
        worker = {**settings, "LOG_RECORDS": "false"}
        with (
            self._stage.running("worker", ["rollcall_consumer", "run"], worker, self._stage.cores.load) as derives,
            self._stage.running("api", ["rollcall_producer"], api) as server,
        ):
            server.await_ready()
            derives.await_ready()
            self.report.set("rss_alone_mb", server.peak_memory())
            yield server

    def warm(self, server: Server) -> None:
        """Have everything done once."""
        self._puts.measure(server, _CONNECTIONS, self._seconds)
        self._send(server)
        self._work_off(server)

    def alone(self, server: Server) -> None:
        """Measure updates that nobody watches."""
        self._measure(server, "alone")
        self._flood(server, "alone")
        self._work_off(server)

    def watched(self, server: Server, name: str, target: str) -> None:
        """Measure updates that many watch, one of whom does not read."""
        job = crowd.Job(server.host, server.port, self._viewers, LOOKERS, f"{PREFIX}-", target, 1)
        with children.begun("rollcall_dev.bench.load.crowd", job, self._stage.cores.load) as child:
            sent = self._measure(server, name)
            time.sleep(_SETTLING)
            seen = child.result(crowd.Seen)
        self._account(name, sent, seen, each_has_all=target == ROUTE)
        if name == "all":
            with children.begun("rollcall_dev.bench.load.crowd", job, self._stage.cores.load):
                self._flood(server, name)
            self._work_off(server)

    def past(self, server: Server) -> None:
        """Measure updates while as many read all of the past as may do so at a time."""
        job = crowd.Job(server.host, server.port, READERS, 0, f"{PREFIX}-", f"{ROUTE}?from=beginning", patient=False)
        with children.begun("rollcall_dev.bench.load.crowd", job, self._stage.cores.load) as child:
            self._measure(server, "past")
            seen = child.result(crowd.Seen)
        self._add("past", {"events_s": sum(seen.counts) / self._seconds, "sent_mb_s": seen.bytes / self._seconds / 1e6})

    def _measure(self, server: Server, name: str) -> paced.Sent:
        begin, before = time.monotonic(), machine.cpu_seconds(server.pid)
        sent = self._send(server)
        cpu = (machine.cpu_seconds(server.pid) - before) / (time.monotonic() - begin)
        figures = {
            "put_p50_ms": sent.answers.p50 * 1e3,
            "put_p99_ms": sent.answers.p99 * 1e3,
            "cpu_share": cpu,
        }
        self._add(name, figures)
        return sent

    def _send(self, server: Server) -> paced.Sent:
        students = ceil(RATE * self._seconds)
        job = paced.Job(server.host, server.port, RATE, self._seconds, _CONNECTIONS, f"{PREFIX}-", students, self._turn)
        self._turn += 1
        sent = children.call("rollcall_dev.bench.load.paced", job, paced.Sent, self._stage.cores.load)
        if len(sent.times) != sent.answers.answers.get(200):
            raise BenchError(f"of {len(sent.times)} updates: {sent.answers}")
        return sent

    def _flood(self, server: Server, name: str) -> None:
        result = self._puts.measure(server, _CONNECTIONS, self._seconds)
        self._add(name, {"put_rate": result.rate})

    def _work_off(self, server: Server) -> None:
        """Wait until the worker has handled all that was sent: whoever watches meanwhile is flooded as well.

        Raises:
            BenchError: It takes too long.
        """
        begin = time.monotonic()
        for _ in range(_LOOKS):
            while httpx.get(f"{server.url}/Pipeline", trust_env=False).json()["LagRecords"] != 0:
                if time.monotonic() - begin > _WORK_LIMIT:
                    raise BenchError("the worker does not come to an end")
                time.sleep(PULSE)
            time.sleep(PULSE)

    def _account(self, name: str, sent: paced.Sent, seen: crowd.Seen, *, each_has_all: bool) -> None:
        """Make sure that all have seen all that they want, and tell how soon."""
        updates = len(sent.times)
        wanted = [updates if each_has_all else int(number < updates) for number in range(self._viewers)]
        missed = sum(want != got for want, got in zip(wanted, seen.counts, strict=True))
        if missed or seen.lost:
            raise BenchError(f"{missed} viewers have not seen all that they want, {seen.lost} were cut")
        delays = sorted(at - sent.times[number] for number, at in zip(seen.numbers, seen.times, strict=True))
        figures = {
            "p50_ms": percentile(delays, 50) * 1e3,
            "p99_ms": percentile(delays, 99) * 1e3,
            "max_ms": delays[-1] * 1e3,
            "sent_mb_s": seen.bytes / self._seconds / 1e6,
        }
        self._add(f"delivery_{name}", figures)

    def _add(self, name: str, figures: dict[str, float]) -> None:
        for figure, value in figures.items():
            what = f"{name}_{figure}" if name.startswith("delivery") else f"{figure}_{name}"
            self.report.add(what, value)
        say(f"  {name}: " + ", ".join(f"{figure} {show(value)}" for figure, value in figures.items()))


def _show(report: Report) -> str:
    crowds = {"all": "all that happens", "one": "one student each"}
    deliveries = [
        [what, *(show(report[f"delivery_{name}_{figure}"]) for figure in ("p50_ms", "p99_ms", "max_ms", "sent_mb_s"))]
        for name, what in crowds.items()
    ]
    puts = [
        [what, *(show(report[f"{figure}_{name}"]) for figure in ("put_p50_ms", "put_p99_ms", "cpu_share"))]
        for name, what in {"alone": "nobody", **crowds, "past": f"all that was, {READERS} times"}.items()
    ]
    floods = [
        [what, show(report[f"put_rate_{name}"])] for name, what in {"alone": "nobody", "all": crowds["all"]}.items()
    ]
    return "\n\n".join(
        (
            table([f"{RATE:g} updates/s, who watches", "p50 ms", "p99 ms", "max ms", "MB/s"], deliveries),
            table([f"{RATE:g} updates/s beside", "PUT p50 ms", "PUT p99 ms", "CPU of the API"], puts),
            table([f"PUT, {_CONNECTIONS} connections, beside", "requests/s"], floods),
            f"Of the past, {show(report['events_s_past'])} events a second were read, all readers together",
            f"The API's memory: {show(report['rss_mb'])} MB, and {show(report['rss_alone_mb'])} MB before anybody came",
        )
    )
