"""The command `scripts/bench`."""

import argparse
import signal
import sys
from typing import Protocol

from rollcall_dev.arguments import writable
from rollcall_dev.bench import effects, ingest, overload, reads, record, report, slow, stream
from rollcall_dev.bench.errors import BenchError
from rollcall_dev.bench.report import Report
from rollcall_dev.kafka import KafkaStartError
from rollcall_domain.service import logs


class Bench(Protocol):
    """A module that measures something."""

    SUMMARY: str

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare further options."""

    def run(self, options: argparse.Namespace) -> Report:
        """Measure, print what people want to see, and give all figures.

        Raises:
            BenchError: What was measured is worth nothing.
        """


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

BENCHES: dict[str, Bench] = {
    "effects": effects,
    "ingest": ingest,
    "overload": overload,
    "reads": reads,
    "record": record,
    "slow": slow,
    "stream": stream,
}


def main() -> int:
    """Run one bench.

    Returns:
        0 if it could measure what it was to, and else 1.
    """
    for number in SIGNALS:
        signal.signal(number, lambda number, _: sys.exit(128 + number))  # ends what was started as well
    logs.configure("console", "warning")
    options = _options()
    try:
        measured = BENCHES[options.bench].run(options)
    except (BenchError, KafkaStartError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    if options.json is not None:
        report.write(measured.numbers(), options.json)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measure Rollcall on this machine.")
    benches = parser.add_subparsers(dest="bench", required=True, metavar="BENCH")
    for name, bench in BENCHES.items():
        options = benches.add_parser(name, help=bench.SUMMARY, description=f"Measure {bench.SUMMARY}.")
        options.add_argument("--quick", action="store_true", help="end within three minutes, with more noise")
        options.add_argument("--json", type=writable, metavar="FILE", help="write all figures, by name")
        bench.add_options(options)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
