"""The command `scripts/chaos`."""

import argparse
import sys
from pathlib import Path

import msgspec
import uvloop

from rollcall_dev.chaos.faults import FAULTS, Plan
from rollcall_dev.chaos.ingest import Result, run
from rollcall_dev.chaos.report import table
from rollcall_dev.kafka import KafkaStartError


def main() -> int:
    """Run what is asked for.

    Returns:
        0 if all promises were kept, and else 1.
    """
    parser = argparse.ArgumentParser(prog="scripts/chaos", description="Prove what is promised under faults.")
    parts = parser.add_subparsers(dest="part", required=True)
    ingest = parts.add_parser("ingest", help="the producer API", description="Prove what the producer API promises.")
    ingest.add_argument(
        "--fault",
        action="append",
        choices=FAULTS,
        metavar="NAME",
        help=f"one of {', '.join(FAULTS)}; may be given again (default: all)",
    )
    ingest.add_argument(
        "--seconds",
        type=float,
        default=Plan.seconds,
        metavar="N",
        help="of load before each fault, and after it (default: %(default)g)",
    )
    ingest.add_argument("--json", type=Path, metavar="FILE", help="write all that was found there")
    options = parser.parse_args()
    results = []
    try:
        for name in options.fault or FAULTS:
            print(f"{name} …", file=sys.stderr, flush=True)
            results.append(uvloop.run(run(name, Plan(seconds=options.seconds))))
            _tell(results[-1])
    except KafkaStartError as error:
        print(f"chaos: {error}", file=sys.stderr)
        return 1
    print(table(results))
    if options.json is not None:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(results)))
    return int(any(result.broken for result in results))


def _tell(result: Result) -> None:
    for broken in result.broken:
        print(f"  broken: {broken}", file=sys.stderr)
    for warning, count in result.warnings.items():
        print(f"  logged: {warning} ({count})", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
