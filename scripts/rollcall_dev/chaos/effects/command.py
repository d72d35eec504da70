"""The command `scripts/chaos effects`."""

import argparse
import secrets
import sys
from pathlib import Path

import uvloop

from rollcall_dev.arguments import whole, writable
from rollcall_dev.chaos.effects.mutations import MUTATIONS, try_out
from rollcall_dev.chaos.effects.plan import Plan
from rollcall_dev.chaos.effects.report import Figures
from rollcall_dev.chaos.effects.run import run
from rollcall_dev.chaos.record.run import Progress

SUMMARY = "effects: handlers, and workers that are killed"

SEEDS = 2**32

MOST = 1_000_000
"""Of anything."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    plan = Plan()
    for name, default, meaning in (
        ("--alerts", plan.alerts, "alerts that are written"),
        ("--kills", plan.kills, "how often a worker is killed"),
        ("--scalings", plan.scalings, "how often there is a worker more or less"),
    ):
        parser.add_argument(
            name, type=whole(0, MOST), default=default, metavar="N", help=f"{meaning} (default: %(default)d)"
        )
    parser.add_argument(
        "--seed", type=int, metavar="N", help="what all chance is drawn from (default: drawn, and told)"
    )
    parser.add_argument(
        "--mutation",
        action="append",
        choices=MUTATIONS,
        metavar="NAME",
        help=f"try this wrong worker alone, one of {', '.join(MUTATIONS)}; may be given again "
        "(default: the run, and then all of them)",
    )
    parser.add_argument("--logs", type=_new, metavar="DIR", help="keep ledgers and what workers log there, of the run")
    parser.add_argument("--json", type=writable, metavar="FILE", help="write all figures there")


def _new(text: str) -> Path:
    path = Path(text)
    if path.exists():
        raise argparse.ArgumentTypeError(f"{text} is there already")
    return path


def main(options: argparse.Namespace) -> int:
    """Run what is asked for.

    Returns:
        0 if all promises were kept and all wrong workers found out, and else 1.
    """
    figures = Figures(secrets.randbelow(SEEDS) if options.seed is None else options.seed)
    if not options.mutation:
        plan = Plan(options.alerts, options.kills, options.scalings)
        result = uvloop.run(run(plan, figures.seed, logs=options.logs))
        figures.add_run(result)
        for warning, count in sorted(result.warnings.items(), key=lambda item: -item[1]):
            print(f"  logged: {warning} ({count})", file=sys.stderr)
    figures.add_trials(uvloop.run(try_out(options.mutation or [*MUTATIONS], figures.seed, Progress())))
    print(figures.table())
    if options.json is not None:
        figures.write(options.json)
    if figures.broken:
        print(figures.complaint(), file=sys.stderr)
    return int(bool(figures.broken))
