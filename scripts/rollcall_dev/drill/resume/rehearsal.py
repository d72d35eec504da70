"""The drill: replicas of the API are killed, one after the other, while viewers watch through a balancer."""

import asyncio
import contextlib
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic

from rollcall_dev.chaos.api import Api
from rollcall_dev.chaos.cluster import cluster
from rollcall_dev.chaos.record.fleet import Fleet
from rollcall_dev.chaos.record.log import read
from rollcall_dev.chaos.record.run import Progress, settled
from rollcall_dev.chaos.record.stage import Stage
from rollcall_dev.drill.operating.load import Load
from rollcall_dev.drill.report import Report
from rollcall_dev.drill.resume.balancer import Balancer
from rollcall_dev.drill.resume.verdict import Verdict
from rollcall_dev.drill.resume.watcher import Logs, Watcher
from rollcall_domain.topics import ALERTS, STATE, STUDENT

REPLICAS = 2

TOPICS = (STUDENT, STATE, ALERTS)
"""Those of the kinds of messages, in their order."""

BEFORE = 500
"""Updates that there are before anybody comes."""

PAUSE = 1.0
"""Seconds in which both replicas serve, at the most, before one is killed."""

LIMIT = 30.0
"""Seconds at the end for all to have come."""

LOOK = 0.2
"""Seconds between looks at whether it has."""

TOLD = 10
"""Kills after which it is told how far it is."""


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        seed: What all chance is drawn from.
        kills: How often a replica is killed.
        viewers: How many viewers there are.
        rate: Updates a second.
    """

    seed: int
    kills: int = 50
    viewers: int = 20
    rate: float = 100.0


@dataclass(frozen=True)
class Scene:
    """Where it takes place.

    Attributes:
        stage: The cluster.
        fleet: Its worker.
        apis: The replicas of the API.
    """

    stage: Stage
    fleet: Fleet
    apis: Sequence[Api]


async def rehearse(plan: Plan) -> Report:
    """Kill replicas while viewers watch, and find out whether any of them has missed or doubled anything."""
    tell = Progress()
    tell(f"seed {plan.seed}; a broker, {REPLICAS} APIs and a worker are started")
    async with _scene() as scene:
        async with Load(scene.stage, 0) as before:
            await before.write(BEFORE)
        await settled(scene.stage, scene.fleet)
        draw = Random(plan.seed)  # noqa: S311 - the same again
        async with Balancer([api.port for api in scene.apis], draw) as balancer:
            watchers = [Watcher(balancer.port, number) for number in range(plan.viewers)]
            watching = [asyncio.create_task(watcher.viewer.follow()) for watcher in watchers]
            await asyncio.gather(*(watcher.viewer.until(lambda seen: seen.count("live") > 0) for watcher in watchers))
            async with Load(scene.stage, plan.rate) as load:
                await _kill(scene.apis, plan.kills, draw, tell)
            await settled(scene.stage, scene.fleet)
            verdicts = await _judge(watchers, await _read(scene.stage))
            for task in watching:
                task.cancel()
            ends = await asyncio.gather(*watching, return_exceptions=True)
    tell("all is read")
    faults = [f"a viewer has ended: {end!r}" for end in ends if not isinstance(end, asyncio.CancelledError)]
    figures = _figures(plan, watchers, verdicts)
    figures |= {"updates": load.sent.total(), "seconds": round(tell.seconds, 1)}
    return Report(figures, [*faults, *_broken(watchers, verdicts)])


async def _kill(apis: Sequence[Api], kills: int, draw: Random, tell: Progress) -> None:
    """Kill one replica after the other, each at some time, and start it again."""
    for number in range(1, kills + 1):
        api = draw.choice(apis)
        await asyncio.sleep(draw.uniform(0, PAUSE))
        await api.end(signal.SIGKILL)
        await api.start()
        if not number % TOLD:
            tell(f"{number} kills")


async def _read(stage: Stage) -> Logs:
    """Read what lies in the log, for each kind of message."""
    names = [stage.settings.topic_name(topic) for topic in TOPICS]
    log = await read(stage.servers, names, stage.settings.partitions)
    return [log[name] for name in names]


async def _judge(watchers: Sequence[Watcher], logs: Logs) -> list[Verdict]:
    """Hold what each has seen against the log, once all has come or will not come any more."""
    begun, expected = monotonic(), [watcher.count(logs) for watcher in watchers]
    while any(watcher.seen < count for watcher, count in zip(watchers, expected, strict=True)):
        if monotonic() - begun > LIMIT:
            break
        await asyncio.sleep(LOOK)
    return [watcher.judge(logs) for watcher in watchers]


def _figures(plan: Plan, watchers: Sequence[Watcher], verdicts: Sequence[Verdict]) -> dict[str, float | str]:
    connections = [watcher.viewer.connections for watcher in watchers]
    return {
        "kills": plan.kills,
        "viewers": plan.viewers,
        "connections": sum(connections),
        "connections_least": min(connections),
        "seen": sum(verdict.seen for verdict in verdicts),
        "missed": sum(len(verdict.missed) for verdict in verdicts),
        "doubled": sum(len(verdict.doubled) for verdict in verdicts),
        "inverted": sum(len(verdict.inverted) for verdict in verdicts),
        "longest_gap_s": round(max(watcher.longest_gap() for watcher in watchers), 2),
        **{f"viewer_{watcher.number}": watcher.tell(each) for watcher, each in zip(watchers, verdicts, strict=True)},
    }


def _broken(watchers: Sequence[Watcher], verdicts: Sequence[Verdict]) -> Iterator[str]:
    for watcher, verdict in zip(watchers, verdicts, strict=True):
        if not verdict.is_right:
            yield f"viewer {watcher.number}: {watcher.tell(verdict)}, such as {verdict.examples()}"
        if not verdict.seen:
            yield f"viewer {watcher.number} has seen nothing"


@contextlib.asynccontextmanager
async def _scene() -> AsyncIterator[Scene]:
    with tempfile.TemporaryDirectory(prefix="rollcall-drill-") as directory, cluster(1) as (broker,):
        stage = Stage(broker.bootstrap_servers, {"many_logins_minutes": 0.05})
        await stage.set_up()
        settings = {"access_log_rate": 0}
        logs = [Path(directory) / f"api-{number}.log" for number in range(REPLICAS)]
        apis = [Api(stage.servers, settings, log, number=number) for number, log in enumerate(logs)]
        async with Fleet(stage, Path(directory)) as fleet:
            await fleet.scale(1)
            try:
                await asyncio.gather(*(api.start() for api in apis))
                yield Scene(stage, fleet, apis)
            finally:
                await asyncio.gather(*(api.end(signal.SIGKILL) for api in apis))
