"""The command `scripts/drill rate`: two replicas keep to a rate, whether all partitions have work or one alone."""

import argparse
import asyncio

import uvloop

from rollcall_consumer.pipelines import PIPELINES
from rollcall_consumer.runtime.flow import inputs
from rollcall_dev.chaos.record.run import Progress
from rollcall_dev.drill.operating.load import Load
from rollcall_dev.drill.operating.place import Place, place
from rollcall_dev.drill.report import Report
from rollcall_domain.partition import partition_for
from rollcall_domain.service.group import Look, look, observing

SUMMARY = "a rate that two replicas keep together, with work in all partitions and in one"

REPLICAS = 2

SECONDS = 30.0
"""For which a rate is measured."""

RATE = 1000.0
"""Records a second."""

WARM_UP = 6.0
"""Seconds after which both replicas hold partitions, and the burst at the start is over."""

TOLERANCE = 0.05
"""Part of the rate by which it may be missed."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--seconds", type=float, default=SECONDS, metavar="N", help="default: %(default)g")
    parser.add_argument("--rate", type=float, default=RATE, metavar="N", help="records a second, default: %(default)g")


def run(options: argparse.Namespace) -> Report:
    """Rehearse."""
    return uvloop.run(rehearse(options.seconds, options.rate))


async def rehearse(seconds: float, rate: float) -> Report:
    """Have two replicas keep to a rate, and measure it.

    Args:
        seconds: For how long it is measured.
        rate: Records a second.
    """
    tell = Progress()
    figures: dict[str, float | str] = {"rate": rate}
    for name, hot in (("all", False), ("hot", True)):
        tell(f"work in {'one partition' if hot else 'all partitions'}")
        async with place({"rate": rate}) as there:
            await _fill(there, int(rate * (seconds + WARM_UP) * 1.3), hot=hot)
            await there.fleet.scale(REPLICAS)
            first, last = await _measure(there, seconds)
        handled = {index: last.done[index] - first.done[index] for index in first.done}
        figures[f"{name}_measured"] = round(sum(handled.values()) / (last.at - first.at), 1)
        figures[f"{name}_partitions"] = " ".join(
            str(count) for place_, count in handled.items() if "Inbox" not in place_.topic
        )
    broken = [
        f"{name}: {figures[f'{name}_measured']} records a second and not {rate:g}"
        for name in ("all", "hot")
        if abs(float(figures[f"{name}_measured"]) / rate - 1) > TOLERANCE
    ]
    return Report(figures, broken)


async def _fill(there: Place, updates: int, *, hot: bool) -> None:
    async with Load(there.stage, 0) as load:
        students = [f"s-{number}" for number in range(2000)]
        if hot:
            students = [student for student in students if partition_for(student.encode(), 6) == 0]
        for number in range(updates):
            load.send(students[number % len(students)])


async def _measure(there: Place, seconds: float) -> tuple[Look, Look]:
    pipeline = PIPELINES["record"]
    async with observing(there.settings, there.settings.group_id) as consumer:
        partitions = inputs(pipeline, there.settings)
        while await _at_work(there) < REPLICAS:  # noqa: ASYNC110 - it can only be asked
            await asyncio.sleep(0.2)
        await asyncio.sleep(WARM_UP)
        first = await look(consumer, partitions)
        await asyncio.sleep(seconds)
        return first, await look(consumer, partitions)


async def _at_work(there: Place) -> int:
    """Count the replicas that hold partitions."""
    return sum(map(bool, await asyncio.gather(*(worker.lags() for worker in there.fleet.workers))))
