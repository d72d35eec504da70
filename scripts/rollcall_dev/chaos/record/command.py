"""The command `scripts/chaos record`."""

import argparse
import secrets
import sys

import uvloop

from rollcall_dev.arguments import writable
from rollcall_dev.chaos.record.mutations import MUTATIONS, try_out
from rollcall_dev.chaos.record.plan import LONG, SHORT
from rollcall_dev.chaos.record.report import Figures
from rollcall_dev.chaos.record.run import run

SUMMARY = "all of it: API, brokers and workers"

SEEDS = 2**32


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--seed", type=int, metavar="N", help="what all chance is drawn from (default: drawn, and told)"
    )
    parser.add_argument("--long", action="store_true", help="a hundred thousand updates, and harm to match")
    parser.add_argument(
        "--mutation",
        action="append",
        choices=MUTATIONS,
        metavar="NAME",
        help=f"try this wrong worker alone, one of {', '.join(MUTATIONS)}; may be given again "
        "(default: the run, and then all of them)",
    )
    parser.add_argument("--json", type=writable, metavar="FILE", help="write all figures there")


def main(options: argparse.Namespace) -> int:
    """Run what is asked for.

    Returns:
        0 if all promises were kept and all wrong workers found out, and else 1.
    """
    figures = Figures(secrets.randbelow(SEEDS) if options.seed is None else options.seed)
    if not options.mutation:
        result = uvloop.run(run(LONG if options.long else SHORT, figures.seed))
        figures.add_run(result)
        for warning, count in sorted(result.warnings.items(), key=lambda item: -item[1]):
            print(f"  logged: {warning} ({count})", file=sys.stderr)
    figures.add_trials(uvloop.run(try_out(options.mutation or [*MUTATIONS], figures.seed)))
    print(figures.table())
    if options.json is not None:
        figures.write(options.json)
    if figures.broken:
        print(figures.complaint(), file=sys.stderr)
    return int(bool(figures.broken))
