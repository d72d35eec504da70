"""What is left for others while many connections send slowly."""

import argparse

from rollcall_dev.bench import children, measure
from rollcall_dev.bench.load.slow import Job
from rollcall_dev.bench.options import count
from rollcall_dev.bench.report import Report, conditions, show
from rollcall_dev.bench.stage import raised, say
from rollcall_dev.tables import table

SUMMARY = "what is left for others while 500 connections send a byte a second"

CONNECTIONS = 64
"""Of the normal load."""

SLOW = 500
"""Connections that send slowly."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this bench."""
    measure.add_options(parser)
    parser.add_argument("--rounds", type=count, metavar="N", help="default: 5, with --quick 3")
    parser.add_argument("--seconds", type=float, help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> Report:
    """Measure in rounds, without the slow ones and with them, and print medians.

    Raises:
        BenchError: Something did not work as it must.
    """
    seconds = options.seconds or (4 if options.quick else 10)
    rounds = options.rounds or (3 if options.quick else 5)
    report = Report()
    with raised() as stage, stage.serving("ours", "rollcall_producer") as server:
        puts = measure.Puts(stage, options.load)

        def add(name: str) -> None:
            result = puts.measure(server, CONNECTIONS, seconds)
            report.add(f"slow_rate_{name}", result.rate)
            report.add(f"slow_p99_ms_{name}", result.p99 * 1e3)
            report.add(f"slow_cpu_us_{name}", result.cpu_us)
            say(f"  {name} slow connections: {show(result.rate)} updates/s")

        say("warming up")
        puts.measure(server, CONNECTIONS, 2 * seconds)
        for turn in range(1, rounds + 1):
            say(f"round {turn} of {rounds}")
            add("without")
            with children.beside("rollcall_dev.bench.load.slow", Job(server.host, server.port, SLOW), stage.cores.load):
                add("with")
        report.set("others_share", stage.others.share())
    for share, figure in {"rate": "rate", "p99": "p99_ms", "cpu": "cpu_us"}.items():
        report.compare(f"slow_{share}_share", f"slow_{figure}_with", f"slow_{figure}_without")
    print(f"Medians of {rounds} rounds. PUTs by {puts.client}. {conditions(report['others_share'])}\n")
    print(_show(report))
    return report


def _show(report: Report) -> str:
    rows = [
        [f"{name} {SLOW} slow", *(show(report[f"slow_{figure}_{name}"]) for figure in ("rate", "p99_ms", "cpu_us"))]
        for name in ("without", "with")
    ]
    rows.append(["with / without", *(show(report[f"slow_{share}_share"]) for share in ("rate", "p99", "cpu"))])
    return table([f"PUT, {CONNECTIONS} connections", "requests/s", "p99 ms", "CPU µs"], rows)
