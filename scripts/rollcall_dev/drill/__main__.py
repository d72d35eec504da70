"""The command `scripts/drill`."""

import argparse
import secrets
import signal
import sys
from typing import Protocol

from rollcall_dev.arguments import writable
from rollcall_dev.drill.disaster import command as disaster
from rollcall_dev.drill.failover import command as failover
from rollcall_dev.drill.operating import drain, rate, rebuild, redrive
from rollcall_dev.drill.report import Report
from rollcall_dev.drill.resume import command as resume
from rollcall_dev.drill.sending import outage, slow
from rollcall_dev.kafka import KafkaStartError
from rollcall_domain.service import logs


class Drill(Protocol):
    """A module that rehearses something."""

    SUMMARY: str

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare further options."""

    def run(self, options: argparse.Namespace) -> Report:
        """Rehearse, and report what it has shown."""


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

SEEDS = 2**32

DRILLS: dict[str, Drill] = {
    "rate": rate,
    "drain": drain,
    "redrive": redrive,
    "rebuild": rebuild,
    "failover": failover,
    "disaster": disaster,
    "resume": resume,
    "outage": outage,
    "slow": slow,
}


def main() -> int:
    """Run one drill.

    Returns:
        0 if all promises were kept, and else 1.
    """
    for number in SIGNALS:
        signal.signal(number, lambda number, _: sys.exit(128 + number))  # ends what was started as well
    logs.configure("console", "critical")
    options = _options()
    try:
        report = DRILLS[options.drill].run(options)
    except KafkaStartError as error:
        print(f"drill: {error}", file=sys.stderr)
        return 1
    report.figures = {"seed": options.seed, **report.figures}
    print(report.table())
    if options.json is not None:
        report.write(options.json)
    for broken in report.broken:
        print(f"broken: {broken}", file=sys.stderr)
    return int(bool(report.broken))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/drill", description="Rehearse what may happen to Rollcall.")
    drills = parser.add_subparsers(dest="drill", required=True, metavar="DRILL")
    for name, drill in DRILLS.items():
        options = drills.add_parser(name, help=drill.SUMMARY, description=f"Rehearse {drill.SUMMARY}.")
        options.add_argument(
            "--seed",
            type=int,
            default=secrets.randbelow(SEEDS),
            metavar="N",
            help="what all chance is drawn from (default: drawn, and told)",
        )
        options.add_argument("--json", type=writable, metavar="FILE", help="write all figures, by name")
        drill.add_options(options)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
