"""The command `scripts/drill failover`."""

import argparse

import uvloop

from rollcall_dev.drill.failover.rehearsal import BROKERS, RATE, rehearse
from rollcall_dev.drill.report import Report

SUMMARY = "the loss of a broker: one of three is killed under load, and started again"

SECONDS = 10.0
"""Of load before the loss, without the broker and with it again."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--seconds",
        type=float,
        default=SECONDS,
        metavar="N",
        help="of load before the broker is killed, without it, and once it is back (default: %(default)g)",
    )
    parser.add_argument("--rate", type=float, default=RATE, metavar="N", help="updates a second (default: %(default)g)")
    parser.add_argument(
        "--broker",
        type=int,
        choices=range(1, BROKERS + 1),
        metavar="N",
        help="which one is killed (default: the one whose end is the worst)",
    )


def run(options: argparse.Namespace) -> Report:
    """Rehearse."""
    return uvloop.run(rehearse(options.seed, options.seconds, options.rate, options.broker))
