"""Where operators work: a broker, topics with updates, workers, and the commands."""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from rollcall_consumer.settings import ConsumerSettings, of_generation
from rollcall_dev.chaos.cluster import cluster
from rollcall_dev.chaos.process import Service, environment
from rollcall_dev.chaos.record.fleet import Fleet, program
from rollcall_dev.chaos.record.log import Log, read
from rollcall_dev.chaos.record.stage import Stage
from rollcall_domain.control import FIRST
from rollcall_domain.topics import ACTIVITY, STUDENT, Topic


class Command(Service):
    """A command of an operator, which may be killed."""

    def __init__(self, stage: Stage, log: Path, *arguments: str) -> None:
        super().__init__(stage.servers, {**stage.given, "port": 0}, log, ["-m", "rollcall_consumer", *arguments])


@dataclass
class Place:
    """A broker with an environment of topics.

    Attributes:
        stage: The cluster as an operator sees it.
        fleet: The workers.
        logs: The directory for what processes log.
    """

    stage: Stage
    fleet: Fleet
    logs: Path

    @property
    def settings(self) -> ConsumerSettings:
        """The consumer's settings."""
        return self.stage.settings

    @property
    def student(self) -> str:
        """The name of the topic `Student`."""
        return self.settings.topic_name(STUDENT)

    def command(self, *arguments: str) -> Command:
        """Make a command, which is not started."""
        return Command(self.stage, self.logs / f"{arguments[0]}.log", *arguments)

    async def say(self, *arguments: str, **settings: object) -> tuple[int, dict[str, Any]]:
        """Run a command to its end; give its status and its report.

        Raises:
            msgspec.DecodeError: It has given none.
        """
        given = {**self.stage.given, **settings, "bootstrap_servers": self.stage.servers, "port": 0}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "rollcall_consumer",
            *arguments,
            "--json",
            env=environment(given),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        output, _ = await process.communicate()
        return process.returncode or 0, msgspec.json.decode(output.splitlines()[-1])

    async def read(self, *topics: str) -> Log:
        """Read all that is committed of topics."""
        return await read(self.stage.servers, topics, self.settings.partitions)

    async def values(self, topic: Topic | str) -> list[Any]:
        """Read all values that are committed of a topic."""
        name = topic if isinstance(topic, str) else self.settings.topic_name(topic)
        log = await self.read(name)
        return [msgspec.json.decode(line.value) for lines in log[name] for line in lines if line.value]

    async def count_handled(self, generation: int = FIRST) -> int:
        """Count the updates that have had an effect in a generation, by the latest of each minute."""
        name = of_generation(self.settings, generation).topic_name(ACTIVITY)
        minutes = {(minute["Partition"], minute["Start"]): minute for minute in await self.values(name)}
        return sum(minute["Logins"] + minute["Logouts"] for minute in minutes.values())


@contextlib.asynccontextmanager
async def place(settings: Mapping[str, object], patch: str = "") -> AsyncIterator[Place]:
    """Run a broker, with topics and without workers.

    Args:
        settings: Further settings of the consumer, by their names in lower case.
        patch: Python that makes workers others than they are, or an empty string.
    """
    with tempfile.TemporaryDirectory(prefix="rollcall-drill-") as directory, cluster(1) as brokers:
        stage = Stage(brokers[0].bootstrap_servers, settings)
        await stage.set_up()
        async with Fleet(stage, Path(directory), program(patch)) as fleet:
            yield Place(stage, fleet, Path(directory))


def doubled(values: Sequence[Any]) -> Iterator[Any]:
    """Give what is there more than once."""
    seen = set()
    for value in values:
        if value in seen:
            yield value
        seen.add(value)
