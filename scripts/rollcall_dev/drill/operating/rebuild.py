"""The command `scripts/drill rebuild`: everything is derived anew under load, beside workers that are hurt."""

import argparse
import asyncio
import contextlib
from typing import Any

import uvloop

from rollcall_dev.bench.load.fill import Job, fill
from rollcall_dev.chaos.record.run import Progress, settled
from rollcall_dev.drill.operating.follower import Follower
from rollcall_dev.drill.operating.load import Load
from rollcall_dev.drill.operating.place import doubled, place
from rollcall_dev.drill.report import Report, unlike
from rollcall_domain.control import Step
from rollcall_domain.topics import ALERTS

SUMMARY = "everything derived anew under load, with a worker killed, another one frozen, and a reader who follows"

EVENTS, STUDENTS = 1_000_000, 5_000
"""Events that there are before, and of how many students."""

RATE = 200.0
"""Updates a second that come in meanwhile."""

KILL_AFTER = 2.0
"""Seconds after which a worker is killed."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--events", type=int, default=EVENTS, metavar="N", help="default: %(default)d")
    parser.add_argument("--students", type=int, default=STUDENTS, metavar="N", help="default: %(default)d")


def run(options: argparse.Namespace) -> Report:
    """Rehearse."""
    return uvloop.run(rehearse(options.events, options.students))


async def rehearse(events: int, students: int) -> Report:
    """Derive everything anew, and find out whether it is the same.

    Args:
        events: How many there are before.
        students: Of how many students.
    """
    tell = Progress()
    async with place({}) as there:
        job = Job(there.stage.servers, there.student, there.settings.partitions, students, events)
        written = sum((await fill(job)).ends)
        await there.fleet.scale(2)
        await settled(there.stage, there.fleet)
        tell(f"{written} events are handled; now they are derived anew")
        reader = Follower(there.settings)
        following = asyncio.create_task(reader.run())
        async with Load(there.stage, RATE) as load:
            building = asyncio.create_task(there.say("rebuild"))
            await asyncio.sleep(KILL_AFTER)
            killed, frozen = there.fleet.workers
            killed.kill()
            await reader.told(Step.HOLD)
            frozen.freeze()  # with a transaction in hand, as likely as not
            status, report = await building
            frozen.thaw()
            tell(
                f"generation {report['Generation']} serves: {report['Switched']}; {report['Reason'] or 'as it should'}"
            )
            while reader.generation != report["Generation"] and report["Switched"]:  # noqa: ASYNC110 - as it comes
                await asyncio.sleep(0.1)
            await asyncio.sleep(KILL_AFTER)
        await settled(there.stage, there.fleet)
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
        await there.fleet.scale(0)
        handled = await there.count_handled(report["Generation"])
        alerts = [alert["Id"] for alert in await there.values(ALERTS)]
        warnings = there.fleet.all_faults()
    figures: dict[str, float | str] = {
        "status": status,
        "events": written + load.sent.total(),
        "handled": handled,
    }
    figures |= _figures(report, reader) | {"alerts": len(alerts), "alerts_twice": len([*doubled(alerts)])}
    expected = {"status": 0, "handled": figures["events"], "alerts_twice": 0, **_expected(report)}
    return Report({**figures, "seconds": round(tell.seconds, 1)}, [*unlike(figures, expected), *warnings])


def _figures(report: dict[str, Any], reader: Follower) -> dict[str, float | str]:
    """Tell what the command has reported, and what its reader has seen."""
    tables = report["Tables"] or {}
    return {
        "same": tables.get("Same", 0),
        "different": tables.get("Different", -1),
        "moved_on": tables.get("MovedOn", 0),
        "built_seconds": report["BuiltSeconds"] or 0,
        "still_seconds": report["StillSeconds"] or 0,
        "rebuild_seconds": report["Seconds"],
        "reader_generation": reader.generation,
        "reader_went_back": len(reader.went_back),
        "reader_missing": len(reader.missing),
        "reader_switch_seconds": round(reader.switch_seconds, 2),
        "reader_longest_without_news": round(reader.longest, 2),
    }


def _expected(report: dict[str, Any]) -> dict[str, float]:
    """Tell what these have to be."""
    return {"different": 0, "reader_generation": report["Generation"], "reader_went_back": 0, "reader_missing": 0}
