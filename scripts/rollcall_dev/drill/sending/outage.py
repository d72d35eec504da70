"""The command `scripts/drill outage`: the receiver of alerts is away for minutes, and then back."""

import argparse
import asyncio
import contextlib
import tempfile
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import uvloop
from aiokafka import TopicPartition

from rollcall_consumer.settings import ConsumerSettings
from rollcall_dev.chaos.cluster import cluster
from rollcall_dev.chaos.process import Service
from rollcall_dev.chaos.record.run import Progress
from rollcall_dev.chaos.record.stage import Stage
from rollcall_dev.drill.report import Report, unlike
from rollcall_dev.drill.sending.alerts import Alerts
from rollcall_dev.drill.sending.receiver import Arrival, Receiver
from rollcall_domain.alert import Alert
from rollcall_domain.service.group import observing
from rollcall_domain.topics import DEAD_LETTERS

SUMMARY = "alerts that are sent to a receiver who is away for five minutes, and then back"

BEFORE = 3.0
"""Seconds for which it is there before."""

TRIES = 100
"""Tries a minute and replica at the most while the receiver is away: those in hand, and then one now and then."""

LIMIT = 300.0
"""Seconds after its return within which all has arrived."""

SHOWN = 10
"""Seconds from the first arrival after its return on of which the rate is shown."""


@dataclass(frozen=True)
class Plan:
    """What is rehearsed.

    Attributes:
        seed: Draws whom alerts are about.
        seconds: For how long the receiver is away.
        rate: Alerts a second.
        students: Of how many students.
        replicas: How many replicas send them.
    """

    seed: int = 1
    seconds: float = 300.0
    rate: float = 50.0
    students: int = 2000
    replicas: int = 2


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--seconds", type=float, default=Plan.seconds, metavar="N", help="default: %(default)g")
    parser.add_argument("--rate", type=float, default=Plan.rate, metavar="N", help="alerts a second (%(default)g)")


def run(options: argparse.Namespace) -> Report:
    """Rehearse."""
    return uvloop.run(rehearse(Plan(options.seed, options.seconds, options.rate)))


@dataclass(frozen=True)
class _Times:
    """When it came to what, in seconds of the monotonic clock."""

    left: float
    back: float
    caught_up: float


async def rehearse(plan: Plan) -> Report:
    """Take the receiver away for a while, and find out what has become of alerts."""
    receiver = Receiver()
    with tempfile.TemporaryDirectory() as logs, cluster(1) as (broker,):
        stage = Stage(broker.bootstrap_servers, {"webhook_url": receiver.url})
        await stage.set_up()
        async with sending(stage, plan.replicas, Path(logs)) as start:
            alerts = Alerts(stage.settings, plan.rate, plan.students, plan.seed)
            times = await _play(plan, receiver, alerts, start)
        letters = await _count_letters(stage.settings)
    return _report(plan, alerts.written, receiver, times, letters)


async def _play(plan: Plan, receiver: Receiver, alerts: Alerts, start: Callable[[], Awaitable[None]]) -> _Times:
    tell = Progress()
    async with alerts.coming():
        async with receiver.there():
            await start()
            await asyncio.sleep(BEFORE)
        left = monotonic()
        tell(f"the receiver is away; {len(alerts.written):,} alerts so far")
        async with receiver.away():
            await asyncio.sleep(plan.seconds)
        back = monotonic()
        waiting = len(alerts.written)
        tell(f"it is back; {waiting - len(receiver.arrivals):,} alerts wait")
        async with receiver.there():
            await _until(receiver, waiting)
            caught_up = monotonic()
            tell(f"caught up after {caught_up - back:.1f} s")
            await alerts.stop()
            await _until(receiver, len(alerts.written))
            await asyncio.sleep(1)  # for what may come twice
    return _Times(left, back, caught_up)


@contextlib.asynccontextmanager
async def sending(stage: Stage, replicas: int, logs: Path) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Have replicas of `notify` that are ended after the body; it is given what starts them."""
    run = ["-m", "rollcall_consumer", "run", "notify"]
    services = [Service(stage.servers, stage.given, logs / f"notify-{number}.log", run) for number in range(replicas)]

    async def start() -> None:
        await asyncio.gather(*(service.start() for service in services))

    try:
        yield start
    finally:
        await asyncio.gather(*(service.end() for service in services))


async def _until(receiver: Receiver, count: int) -> None:
    """Wait until so many alerts have arrived, for as long as may be."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LIMIT):
            while len({arrival.id for arrival in receiver.arrivals}) < count:  # noqa: ASYNC110 - it is only noted
                await asyncio.sleep(0.1)


async def _count_letters(settings: ConsumerSettings) -> int:
    partitions = [TopicPartition(settings.topic_name(DEAD_LETTERS), index) for index in range(settings.partitions)]
    async with observing(settings, "drill") as consumer:
        return sum((await consumer.end_offsets(partitions)).values())


def _report(plan: Plan, written: Sequence[Alert], receiver: Receiver, times: _Times, letters: int) -> Report:
    arrived = Counter(arrival.id for arrival in receiver.arrivals)
    lost = sum(each.id not in arrived for each in written)
    inverted = sum(_inversions(written, receiver.arrivals))
    first = min((arrival.at for arrival in receiver.arrivals if arrival.at >= times.back), default=times.caught_up)
    by_second = Counter(int(arrival.at - first) for arrival in receiver.arrivals if arrival.at >= first)
    figures: dict[str, float | str] = {
        "alerts": len(written),
        "lost": lost,
        "repeated": sum(arrived.values()) - len(arrived),
        "inverted": inverted,
        "dead_letters": letters,
        "tries_while_away": len(receiver.knocks),
        "tries_in_the_last_minute": sum(knock > times.back - 60 for knock in receiver.knocks),
        "first_after_s": round(first - times.back, 1),
        "caught_up_after_s": round(times.caught_up - times.back, 1),
        **{f"arrived_in_second_{second + 1}": by_second[second] for second in range(SHOWN)},
    }
    broken = [*unlike(figures, {"lost": 0, "repeated": 0, "inverted": 0, "dead_letters": 0})]
    most = TRIES * plan.replicas * max(1.0, plan.seconds / 60)
    if len(receiver.knocks) > most:
        broken.append(f"{len(receiver.knocks)} tries while the receiver was away, more than {most:g}")
    return Report(figures, broken)


def _inversions(written: Sequence[Alert], arrivals: Sequence[Arrival]) -> Iterator[int]:
    """Count for each student the alerts that have arrived first after a later one had."""
    numbers = {each.id: number for number, each in enumerate(written)}
    latest: dict[str, int] = defaultdict(lambda: -1)
    firsts: set[str] = set()
    for arrival in arrivals:
        if arrival.id not in firsts:
            firsts.add(arrival.id)
            yield numbers[arrival.id] < latest[arrival.student]
            latest[arrival.student] = max(latest[arrival.student], numbers[arrival.id])
