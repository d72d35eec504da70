"""What one update costs, alone and in bulk, beside a limit and the obvious way, and what memory a large body takes."""

import argparse
from collections.abc import Mapping
from contextlib import ExitStack

import httpx
import msgspec

from rollcall_dev.bench import children, measure
from rollcall_dev.bench.errors import BenchError
from rollcall_dev.bench.load import stream
from rollcall_dev.bench.load.result import Result
from rollcall_dev.bench.options import count
from rollcall_dev.bench.peers.job import Job
from rollcall_dev.bench.report import Report, conditions, show
from rollcall_dev.bench.stage import Server, Stage, raised, say
from rollcall_dev.tables import table

SUMMARY = "what an update costs the producer, by PUT and in bulk"

SERVERS = {
    "noop": "rollcall_dev.bench.peers.noop",
    "naive": "rollcall_dev.bench.peers.naive",
    "ours": "rollcall_producer",
}
"""The servers under test, and the modules that they are."""

CONNECTIONS = (1, 64, 256)

BULKS = (1_000, 20_000, 100_000)
"""Updates in a bulk request."""

BULK = 20_000
"""The one of them that is compared with the limit."""

BULK_CONNECTIONS = 4

_FIGURES = {"rate": "rate", "p50": "p50_ms", "p99": "p99_ms", "cpu": "cpu_us"}
"""What servers are compared by: what a ratio is called, and what of."""

_SMALL_BODY = 10
"""Megabytes of the body that a large one is compared with."""

_WARM = 2
"""Each kind of load is run beforehand for so many times as long as it is result: Java compiles what it runs often."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this bench."""
    measure.add_options(parser)
    parser.add_argument("--rounds", type=count, metavar="N", help="default: 5, with --quick 3")
    parser.add_argument("--seconds", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--megabytes", type=float, help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> Report:
    """Measure in rounds, and print medians.

    Raises:
        BenchError: Something did not work as it must.
    """
    seconds = options.seconds or (2 if options.quick else 8)
    rounds = options.rounds or (3 if options.quick else 5)
    with raised() as stage:
        puts = measure.Puts(stage, options.load)
        with ExitStack() as servers:
            started = {name: servers.enter_context(stage.serving(name, SERVERS[name])) for name in SERVERS}
            ingest = _Ingest(stage, puts, started, seconds)
            say("warming up")
            ingest.warm()
            for turn in range(1, rounds + 1):
                say(f"round {turn} of {rounds}")
                ingest.round()
        say("streaming a large body")
        ingest.memory(options.megabytes or (100 if options.quick else 1000))
        ingest.report.set("others_share", stage.others.share())
    compare(ingest.report)
    print(f"Medians of {rounds} rounds. PUTs by {puts.client}. {conditions(ingest.report['others_share'])}\n")
    print(summary(ingest.report))
    return ingest.report


class _Ingest:
    def __init__(self, stage: Stage, puts: measure.Puts, servers: Mapping[str, Server], seconds: float) -> None:
        self.report = Report()
        self._stage = stage
        self._puts = puts
        self._servers = servers
        self._seconds = seconds
        self._topics = {name: stage.create_topic(name) for name in ("bare", "raw")}

    def warm(self) -> None:
        for server in self._servers.values():
            self._puts.measure(server, 64, _WARM * self._seconds)
        self._without_http("raw", _WARM * self._seconds)
        measure.posts(self._stage, self._servers["ours"], BULK_CONNECTIONS, _WARM * self._seconds, BULK)

    def round(self) -> None:
        for connections in CONNECTIONS:
            for server in self._servers.values():
                self._put(server, connections)
        self._bare()
        self._raw()
        for records in BULKS:
            self._bulk(records)

    def _put(self, server: Server, connections: int) -> None:
        result = self._puts.measure(server, connections, self._seconds)
        figures = {
            "rate": result.rate,
            "p50_ms": result.p50 * 1e3,
            "p99_ms": result.p99 * 1e3,
            "cpu_us": result.cpu_us,
            "load_cpu_us": result.load_cpu_us,
        }
        self._add(f"put_{server.name}", figures, f"_{connections}")

    def _bare(self) -> None:
        result = self._without_http("bare", self._seconds)
        self._add("bare", {"p50_ms": result.p50 * 1e3, "p99_ms": result.p99 * 1e3})

    def _raw(self) -> None:
        result = self._without_http("raw", self._seconds)
        figures = {"rate": result.accepted / result.seconds, "cpu_us": result.cpu_seconds / result.accepted * 1e6}
        self._add("raw", figures)

    def _without_http(self, name: str, seconds: float) -> Result:
        job = Job(self._stage.bootstrap_servers, self._topics[name], seconds)
        return children.call(f"rollcall_dev.bench.peers.{name}", job, Result, self._stage.cores.server)

    def _bulk(self, records: int) -> None:
        server = self._servers["ours"]
        result = measure.posts(self._stage, server, BULK_CONNECTIONS, self._seconds, records)
        figures = {"rate": result.rate * records, "cpu_us": result.cpu_us / records}
        self._add("bulk", figures, f"_{records}")

    def _add(self, what: str, figures: Mapping[str, float], scale: str = "") -> None:
        for figure, value in figures.items():
            self.report.add(f"{what}_{figure}{scale}", value)
        say(f"  {what}{scale}: " + ", ".join(f"{figure} {show(value)}" for figure, value in figures.items()))

    def memory(self, megabytes: float) -> None:
        with self._stage.serving("memory", SERVERS["ours"]) as server:
            small, large = (self._stream(server, size) for size in (_SMALL_BODY, megabytes))
        self.report.set("bulk_rss_mb", large)
        self.report.set("bulk_rss_growth_mb", large - small)

    def _stream(self, server: Server, megabytes: float) -> float:
        job = stream.Job(server.host, server.port, megabytes)
        sent = children.call("rollcall_dev.bench.load.stream", job, stream.Sent, self._stage.cores.load)
        if sent.status != httpx.codes.OK or msgspec.json.decode(sent.body)["Accepted"] != sent.records:
            raise BenchError(f"a body of {sent.records} updates was answered {sent.status}: {sent.body}")
        peak = server.peak_memory()
        say(f"  {sent.records:,} updates in {megabytes:g} MB: {show(peak)} MB at the most")
        return peak


def compare(report: Report) -> None:
    """Add the ratios to the figures."""
    for connections in CONNECTIONS:
        for peer in ("noop", "naive"):
            for name, figure in _FIGURES.items():
                ours, theirs = (f"put_{server}_{figure}_{connections}" for server in ("ours", peer))
                report.compare(f"put_{name}_vs_{peer}_{connections}", ours, theirs)
    report.compare("put_p50_vs_bare_1", "put_ours_p50_ms_1", "bare_p50_ms")
    for records in BULKS:
        report.compare(f"bulk_vs_raw_{records}", f"bulk_rate_{records}", "raw_rate")
        report.compare(f"bulk_cpu_vs_raw_{records}", f"bulk_cpu_us_{records}", "raw_cpu_us")
    report.set("bulk_rate", report[f"bulk_rate_{BULK}"])
    report.set("bulk_vs_raw", report[f"bulk_vs_raw_{BULK}"])


def summary(report: Report) -> str:
    """Lay out what people want to see."""
    parts = [
        _puts(report),
        f"send_and_wait without HTTP, one at a time: p50 {show(report['bare_p50_ms'])} ms",
        "",
        _bulks(report),
        f"Memory, from a body of 10 MB to the large one: {show(report['bulk_rss_growth_mb'])} MB more",
    ]
    return "\n".join(parts)


def _puts(report: Report) -> str:
    head = ["PUT, by connections", "requests/s", "p50 ms", "p99 ms", "CPU µs", "CPU of the load µs"]
    figures = ("rate", "p50_ms", "p99_ms", "cpu_us", "load_cpu_us")
    rows = []
    for connections in CONNECTIONS:
        for server in SERVERS:
            values = [report[f"put_{server}_{figure}_{connections}"] for figure in figures]
            rows.append([f"{connections:>3} {server}", *map(show, values)])
        for peer in ("noop", "naive"):
            ratios = [report[f"put_{name}_vs_{peer}_{connections}"] for name in _FIGURES]
            rows.append([f"    ours / {peer}", *map(show, ratios), ""])
    return table(head, rows)


def _bulks(report: Report) -> str:
    head = ["Bulk, by updates in a request", "updates/s", "CPU µs", "rate / raw", "CPU / raw"]
    rows = [["raw send_batch, without HTTP", show(report["raw_rate"]), show(report["raw_cpu_us"]), "1", "1"]]
    for records in BULKS:
        names = ("bulk_rate", "bulk_cpu_us", "bulk_vs_raw", "bulk_cpu_vs_raw")
        rows.append([f"{records:,}", *(show(report[f"{name}_{records}"]) for name in names)])
    return table(head, rows)
