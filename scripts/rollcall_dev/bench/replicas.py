"""Replicas of the worker on the stage, and what their logs tell of them."""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

import httpx
import msgspec
from prometheus_client.parser import text_string_to_metric_families

from rollcall_consumer.pipelines import PIPELINES
from rollcall_consumer.settings import ConsumerSettings
from rollcall_dev.bench.errors import BenchError
from rollcall_dev.bench.group import Group, deleting
from rollcall_dev.bench.stage import Server, Stage
from rollcall_domain.topics import STATE, STUDENT

PARTITIONS = 3
"""Partitions of every topic here."""

SETTLE_LIMIT = 30.0
"""Seconds for replicas to have the partitions shared out among them."""

_PIPELINE = "record"
_numbers = count(1)


class Line(msgspec.Struct):
    """A line of a replica's log."""

    event: str
    timestamp: datetime
    partitions: list[int] = []
    partition: int = -1
    records: int = 0
    seconds: float = 0.0


def _event(line: bytes) -> str:
    return str(msgspec.json.decode(line)["event"])


class Replica:
    """A replica.

    Attributes:
        server: It, as a server.
    """

    def __init__(self, server: Server) -> None:
        self.server = server

    def lines(self, event: str) -> list[Line]:
        """Give the lines of its log that tell of an event."""
        whole = (line for line in self.server.log.read_bytes().splitlines(keepends=True) if line.endswith(b"}\n"))
        return [msgspec.json.decode(line, type=Line) for line in whole if _event(line) == event]

    def holds(self) -> set[int]:
        """Tell which partitions the group has assigned to it last."""
        taken = self.lines("Took partitions")
        return set(taken[-1].partitions) if taken else set()

    def restored(self, after: datetime) -> dict[int, float]:
        """Tell which partitions it has read back since a time, and how many seconds later it was ready to go on."""
        lines = (line for line in self.lines("Restored") if line.timestamp >= after)
        return {line.partition: (line.timestamp - after).total_seconds() for line in lines}

    def counted(self) -> Mapping[str, float]:
        """Sum up its metrics over all their labels."""
        text = httpx.get(f"{self.server.url}/metrics", trust_env=False).text
        families = text_string_to_metric_families(text)
        samples = [(sample.name, sample.value) for family in families for sample in family.samples]
        return {name: sum(value for other, value in samples if other == name) for name, _ in samples}


@dataclass(frozen=True)
class Restoration:
    """What a replica has read back before it went to work.

    Attributes:
        records: How many records.
        seconds: From the beginning of the first partition to the end of the last one.
    """

    records: int
    seconds: float


def restoration(lines: Sequence[Line]) -> Restoration:
    """Take together what a replica has told of each partition."""
    begin = min(line.timestamp - timedelta(seconds=line.seconds) for line in lines)
    end = max(line.timestamp for line in lines)
    return Restoration(sum(line.records for line in lines), (end - begin).total_seconds())


class Replicas:
    """Where replicas of one group run.

    Attributes:
        group: The group, as it is seen from outside.
        topic: The full name of the topic that it reads.
        states: The full name of the topic of its records.

    Args:
        stage: What they run on.
        prefix: What the names of their topics begin with.
        group: The group's name.
    """

    def __init__(self, stage: Stage, prefix: str, group: str) -> None:
        self._stage = stage
        self._settings = ConsumerSettings(topic_prefix=f"{prefix}.", group=group)
        self.topic = self._settings.topic_name(STUDENT)
        self.states = self._settings.topic_name(STATE)
        self.group = Group(stage.bootstrap_servers, self._settings.group_id, self.topic, PARTITIONS)

    @contextlib.contextmanager
    def running(self, cores: frozenset[int] | None = None) -> Iterator[Replica]:
        """Run a replica while the body runs, which begins at once."""
        settings = {
            "TOPIC_PREFIX": self._settings.topic_prefix,
            "GROUP": self._settings.group,
            "PARTITIONS": str(PARTITIONS),
            "LOG_RECORDS": "false",
        }
        name = f"{self._settings.group_id}-{next(_numbers)}"
        with self._stage.running(name, ["rollcall_consumer", "run", _PIPELINE], settings, cores) as server:
            yield Replica(server)

    @contextlib.contextmanager
    def passing(self) -> Iterator[None]:
        """Delete after the body what replicas have made of the topic."""
        derived = [topic for topic in PIPELINES[_PIPELINE].topics if topic.derived]
        with deleting(self._stage.bootstrap_servers, [self._settings.topic_name(topic) for topic in derived]):
            yield


def settled(replicas: Sequence[Replica]) -> bool:
    """Tell whether each has something to do, and each partition somebody who does it.

    Raises:
        BenchError: One has ended.
    """
    for replica in replicas:
        replica.server.check()
    held = [replica.holds() for replica in replicas]
    return all(held) and sorted(index for indexes in held for index in indexes) == [*range(PARTITIONS)]


def await_settled(replicas: Sequence[Replica]) -> None:
    """Wait until it is so.

    Raises:
        BenchError: It does not become so.
    """
    begin = time.monotonic()
    while not settled(replicas):
        if time.monotonic() - begin > SETTLE_LIMIT:
            raise BenchError(f"partitions are not shared out: {[replica.holds() for replica in replicas]}")
        time.sleep(0.05)


def now() -> datetime:
    """Tell the time as logs have it."""
    return datetime.now(UTC)
