"""The command `scripts/chaos`."""

import argparse
import sys
from pathlib import Path

import msgspec
import uvloop

from rollcall_dev.chaos.effects import command as effects
from rollcall_dev.chaos.faults import FAULTS, Plan
from rollcall_dev.chaos.ingest import Result, run
from rollcall_dev.chaos.record import command
from rollcall_dev.chaos.report import summary
from rollcall_dev.kafka import KafkaStartError
from rollcall_domain.service import logs

RECORD, EFFECTS, INGEST = PARTS = ("record", "effects", "ingest")


def main() -> int:
    """Run what is asked for.

    Returns:
        0 if all promises were kept, and else 1.
    """
    logs.configure("console", "warning")
    options = _options(sys.argv[1:])
    try:
        return {RECORD: command.main, EFFECTS: effects.main, INGEST: _ingest}[options.part](options)
    except KafkaStartError as error:
        print(f"chaos: {error}", file=sys.stderr)
        return 1


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/chaos",
        description="Prove what is promised under faults.",
        epilog="Without a part, and with options of it, it is record.",
    )
    parts = parser.add_subparsers(dest="part", required=True)
    record = parts.add_parser(
        RECORD, help=command.SUMMARY, description="Prove that each update that is accepted has one effect, in order."
    )
    command.add_options(record)
    effect = parts.add_parser(
        EFFECTS,
        help=effects.SUMMARY,
        description="Prove that each alert has its effect or is a dead letter, in order, and twice only after a kill.",
    )
    effects.add_options(effect)
    ingest = parts.add_parser(INGEST, help="the producer API", description="Prove what the producer API promises.")
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
    named = bool(arguments) and arguments[0] in (*PARTS, "-h", "--help")
    return parser.parse_args(arguments if named else [RECORD, *arguments])


def _ingest(options: argparse.Namespace) -> int:
    results = []
    for name in options.fault or FAULTS:
        print(f"{name} …", file=sys.stderr, flush=True)
        results.append(uvloop.run(run(name, Plan(seconds=options.seconds))))
        _tell(results[-1])
    print(summary(results))
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
