"""The command `scripts/drill resume`."""

import argparse

import uvloop

from rollcall_dev.drill.report import Report
from rollcall_dev.drill.resume.rehearsal import Plan, rehearse

SUMMARY = "viewers of the stream, while one of two replicas of the API is killed again and again"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--kills", type=int, default=Plan.kills, metavar="N", help="default: %(default)d")
    parser.add_argument("--viewers", type=int, default=Plan.viewers, metavar="N", help="default: %(default)d")
    parser.add_argument(
        "--rate", type=float, default=Plan.rate, metavar="N", help="updates a second (default: %(default)g)"
    )


def run(options: argparse.Namespace) -> Report:
    """Rehearse."""
    return uvloop.run(rehearse(Plan(options.seed, options.kills, options.viewers, options.rate)))
