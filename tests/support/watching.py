"""Viewers of the stream, and what they should have seen."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import httpx

from rollcall_dev.chaos.record.log import Line, read
from rollcall_dev.drill.resume.verdict import Verdict, judge
from rollcall_dev.viewers import Viewer, viewing
from rollcall_producer.stream.position import Position, read_id
from support.log import PARTITIONS
from support.services import PATIENCE, Environment

TOPICS = {"event": "Student", "state": "Student.State", "alert": "Student.Alerts"}

Logs = Mapping[str, Sequence[Sequence[Line]]]


def viewer(
    url: str,
    parameters: Mapping[str, str] | None = None,
    last_id: str = "",
    headers: Mapping[str, str] | None = None,
) -> Viewer:
    """Make a viewer of an API."""
    address = httpx.URL(url)
    return Viewer((address.host, address.port or 0), parameters, last_id=last_id, headers=headers)


@asynccontextmanager
async def watching(
    url: str,
    parameters: Mapping[str, str] | None = None,
    last_id: str = "",
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[Viewer]:
    """Have somebody watch; the body begins once they have come up to what happens."""
    async with viewing(viewer(url, parameters, last_id, headers)) as watcher:
        await watcher.until(lambda seen: seen.count("live") > 0)
        yield watcher


async def logs(environment: Environment, position: Position | None = None, state: str = "Student.State") -> Logs:
    """Read what lies in the log, from a place on."""
    topics = {**TOPICS, "state": state}
    names = {kind: environment.prefix + topic for kind, topic in topics.items()}
    log = await read(environment.servers, list(names.values()), PARTITIONS)
    offsets = (0,) * (3 * PARTITIONS) if position is None else position.offsets
    return {
        kind: [
            [line for line in lines if line.offset >= offsets[number * PARTITIONS + index]]
            for index, lines in enumerate(log[name])
        ]
        for number, (kind, name) in enumerate(names.items())
    }


def begun(watcher: Viewer) -> Position:
    """Tell where a viewer has begun who came for what happens from then on."""
    live = next(message for message in watcher.messages if message.event == "live")
    return read_id(live.id, PARTITIONS)


async def verdict(
    watcher: Viewer, there: Logs, wanted: Callable[[str, dict[str, Any]], bool] = lambda _, __: True
) -> Verdict:
    """Hold what a viewer has seen against what lies in the log, once all of it has come or will not come any more."""
    begun = monotonic()
    while (found := judge(watcher.messages, there, wanted)).missed and monotonic() - begun < PATIENCE / 4:  # noqa: ASYNC110 - it can only be asked
        await asyncio.sleep(0.05)
    return found


def updates(count: int, students: int, seed: int = 7) -> list[dict[str, str]]:
    """Make updates of students who come and go, sometimes twice in a row."""
    draw = random.Random(seed)
    return [
        {"StudentId": f"s-{draw.randrange(students)}", "State": draw.choice(["LoggedIn", "LoggedOut"])}
        for _ in range(count)
    ]
