"""The command `scripts/drill drain`: batch runs, one after the other, beside a replica, and two at once."""

import argparse
import asyncio
from typing import Any

import uvloop

from rollcall_dev.chaos.record.run import Progress
from rollcall_dev.drill.operating.load import Load
from rollcall_dev.drill.operating.place import Place, doubled, place
from rollcall_dev.drill.report import Report
from rollcall_domain.topics import ALERTS

SUMMARY = "batch runs: one after the other, beside a replica, and two at once"

UPDATES = 20_000
"""Updates that wait for the first run."""

SETTINGS = {"many_logins": 4, "many_logins_minutes": 60}
"""With which there are alerts."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--updates", type=int, default=UPDATES, metavar="N", help="default: %(default)d")


def run(options: argparse.Namespace) -> Report:
    """Rehearse."""
    return uvloop.run(rehearse(options.updates))


async def rehearse(updates: int) -> Report:
    """Do batch runs, and find out whether each update had one effect.

    Args:
        updates: How many wait for the first run.
    """
    tell = Progress()
    figures: dict[str, float | str] = {}
    broken: list[str] = []

    async def drain(name: str, there: Place, **settings: object) -> None:
        status, report = await there.say("drain", **settings)
        tell(f"{name}: {_told(report)}")
        figures[name] = _told(report)
        if status or not report["Drained"]:
            broken.append(f"{name} ended with status {status}: {report['Reason']}")

    async with place(SETTINGS) as there, Load(there.stage, 0) as load:
        await load.write(updates)
        await drain("first", there)
        await drain("with nothing new", there)
        await load.write(updates // 10)
        await drain("with something new", there)
        await load.write(updates // 10)
        await asyncio.gather(drain("one of two at once", there), drain("the other of them", there))
        await there.fleet.scale(1)
        async with Load(there.stage, 500, "m") as other:
            await drain("beside a replica, under load", there)
        await drain("after that", there)
        await there.fleet.scale(0)
        sent = load.sent.total() + other.sent.total()
        handled = await there.count_handled()
        alerts = [alert["Id"] for alert in await there.values(ALERTS)]
    figures |= {"sent": sent, "handled": handled, "alerts": len(alerts), "alerts_twice": len([*doubled(alerts)])}
    if handled != sent:
        broken.append(f"{sent} updates were written, and {handled} had an effect")
    if figures["alerts_twice"]:
        broken.append("alerts were raised twice")
    return Report({**figures, "seconds": round(tell.seconds, 1)}, broken)


def _told(report: dict[str, Any]) -> str:
    return (
        f"{report['Records']} records, {sum(report['Written'].values())} written, {report['Seconds']:.1f} s, "
        f"lag {report['LagBefore']} -> {report['LagAfter']}"
    )
