"""The command `scripts/drill disaster`."""

import argparse

import uvloop

from rollcall_dev.drill.disaster.rehearsal import Plan, rehearse
from rollcall_dev.drill.report import Report

SUMMARY = "the loss of a whole cluster, with a second one that a mirror copies the updates to"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--seconds",
        type=float,
        default=Plan.seconds,
        metavar="N",
        help="of load before the disaster, and half of it after (default: %(default)g)",
    )
    parser.add_argument(
        "--rate", type=float, default=Plan.rate, metavar="N", help="updates a second (default: %(default)g)"
    )
    parser.add_argument(
        "--brokers", type=int, default=Plan.brokers, metavar="N", help="of each cluster (default: %(default)d)"
    )
    parser.add_argument(
        "--mirror-kills",
        type=int,
        default=Plan.mirror_kills,
        metavar="N",
        help="how often the mirror is killed and started again before, which makes it copy some updates twice "
        "(default: %(default)d)",
    )
    parser.add_argument(
        "--behind",
        type=float,
        default=Plan.behind,
        metavar="N",
        help="seconds by which the mirror is behind when the disaster comes, as where the network between the "
        "clusters has failed first (default: %(default)g)",
    )
    parser.add_argument("--exactly-once", action="store_true", help="have the mirror copy in transactions")


def run(options: argparse.Namespace) -> Report:
    """Rehearse."""
    plan = Plan(
        seed=options.seed,
        seconds=options.seconds,
        rate=options.rate,
        brokers=options.brokers,
        mirror_kills=options.mirror_kills,
        behind=options.behind,
        exactly_once=options.exactly_once,
    )
    return uvloop.run(rehearse(plan)).report()
