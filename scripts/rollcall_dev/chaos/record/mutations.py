"""Workers that are not as they should be: the proof has to find each of them out, and none that is as it should be.

Each is put beside a right one, in the same circumstances, on the same broker.
"""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from rollcall_dev.chaos.cluster import cluster
from rollcall_dev.chaos.ledger import Ledger
from rollcall_dev.chaos.record.fleet import Fleet, program
from rollcall_dev.chaos.record.log import Reader
from rollcall_dev.chaos.record.run import SETTINGS, Progress, conclude, late, settled
from rollcall_dev.chaos.record.stage import Stage
from rollcall_dev.chaos.record.straight import Straight, Writer
from rollcall_dev.chaos.record.verdict import DOUBLED, INVERTED, LOST
from rollcall_dev.chaos.topic import Topic
from rollcall_dev.kafka import Broker
from rollcall_domain.topics import STATE

PARTITIONS = 3

PACE = {Straight.own: 0.02, Straight.fresh: 0.02, Straight.foreign: 0.05, Straight.copies: 0.5, Straight.poison: 0.7}
"""What is written, and how many seconds pass from one to the next on average."""

SOME = 25
"""Records of students in a partition."""

WORK_LIMIT = 60.0
"""Seconds for workers to begin and to write so many."""

PATIENCE = 30.0
"""Seconds after which there will always be a lag."""

WHILE = 1.5
"""Seconds in which a good deal happens."""

SHOWN = 150
"""Characters of what has shown a wrong worker."""

LOOK = 0.1
"""Seconds between looks at the workers."""

HEIR_LIMIT = 11.0
"""Seconds after which a frozen worker goes on: after 15 it would itself give up what it has in hand."""

TINY, LARGE = 100, 1024 * 1024
"""Bytes that a topic takes in a batch: none at all, and many."""


@dataclass
class Actor:
    """A worker in its circumstances.

    Attributes:
        stage: Where it works.
        fleet: Those that are to do its work.
        writer: Writes what they handle.
        reader: Reads along what comes of it.
    """

    stage: Stage
    fleet: Fleet
    writer: Writer
    reader: Reader

    async def work(self) -> None:
        """Wait until more records of students are written in each partition."""
        lines = self.reader.log[self.stage.settings.topic_name(STATE)]
        wanted = [len(partition) + SOME for partition in lines]
        async with asyncio.timeout(WORK_LIMIT):
            while any(len(partition) < count for partition, count in zip(lines, wanted, strict=True)):  # noqa: ASYNC110
                await asyncio.sleep(LOOK)


Scenario = Callable[[Broker, Sequence[Actor]], Awaitable[None]]


@dataclass(frozen=True)
class Mutation:
    """A worker that is not as it should be.

    Attributes:
        summary: What is wrong with it, for people.
        patch: Python that makes it so.
        scenario: In which circumstances it shows.
    """

    summary: str
    patch: str
    scenario: Scenario


@dataclass
class Trial:
    """What has come of trying a mutation.

    Attributes:
        mutation: Its name.
        caught: Whether it was found out.
        found: What has shown it, in words.
        broken: Promises that the right worker has broken beside it.
    """

    mutation: str
    caught: bool
    found: list[str]
    broken: list[str]


async def _freeze(broker: Broker, actors: Sequence[Actor]) -> None:
    """Freeze workers in the midst of transactions, for so long that others take over; then let them go on."""
    broker.pause()  # so that whoever has something to write waits with it
    await asyncio.sleep(0.5)
    for actor in actors:
        actor.fleet.workers[0].freeze()
    broker.resume()
    for actor in actors:
        await actor.fleet.scale(2)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HEIR_LIMIT):
            while not all([len(await actor.fleet.workers[1].lags()) == PARTITIONS for actor in actors]):  # noqa: ASYNC110
                await asyncio.sleep(LOOK)
            await asyncio.sleep(WHILE)
    for actor in actors:
        actor.fleet.workers[0].thaw()
    await asyncio.sleep(WHILE)


async def _refuse(_: Broker, actors: Sequence[Actor]) -> None:
    """Have Kafka refuse the records of students for a while."""
    topics = [Topic(actor.stage.servers, actor.stage.settings.topic_name(STATE), PARTITIONS, 1) for actor in actors]
    await asyncio.gather(*(topic.configure("max.message.bytes", str(TINY)) for topic in topics))
    await asyncio.sleep(2 * WHILE)
    await asyncio.gather(*(topic.configure("max.message.bytes", str(LARGE)) for topic in topics))


async def _kill(_: Broker, actors: Sequence[Actor]) -> None:
    """Kill workers, and have them started again."""
    for actor in actors:
        actor.fleet.workers[0].kill()
    await asyncio.gather(*(actor.work() for actor in actors))


MUTATIONS = {
    "id-per-process": Mutation(
        "a transactional id for each process instead of each partition",
        """
import os
from rollcall_consumer.runtime import transactor
right = transactor.transactional_id
transactor.transactional_id = lambda settings, name, index: f"{right(settings, name, index)}-{os.getpid()}"
""",
        _freeze,
    ),
    "commit-first": Mutation(
        "a commit that does not wait for what Kafka says of the records",
        """
from rollcall_consumer.runtime import transactor
right = transactor.Transactor._send
async def send(self, partition, batches):
    for batch in batches:
        batch.close()
        await self._client.send_batch(batch, partition.topic, partition=partition.partition)
transactor.Transactor._send = send
""",
        _refuse,
    ),
    "no-restore": Mutation(
        "work that begins before the state is read back",
        """
from rollcall_consumer.runtime.folds.restore import Restoration
right = Restoration.tables, Restoration.window
async def nothing(self, *_):
    return 0, 0
Restoration.tables = Restoration.window = nothing
""",
        _kill,
    ),
}
"""All mutations, by name. Each names what it replaces, and fails where there is no such thing any more."""


async def try_out(names: Sequence[str], seed: int) -> list[Trial]:
    """Try mutations, one after the other."""
    tell = Progress()
    with cluster(1) as (broker,):
        return [await _try(name, broker, seed, tell) for name in names]


async def _try(name: str, broker: Broker, seed: int, tell: Progress) -> Trial:
    mutation = MUTATIONS[name]
    tell(f"{name}: {mutation.summary}")
    with tempfile.TemporaryDirectory(prefix="rollcall-chaos-") as directory:
        logs = Path(directory)
        async with (
            _acting(broker, f"{name}.right.", "", logs) as right,
            _acting(broker, f"{name}.wrong.", mutation.patch, logs) as wrong,
        ):
            actors = [right, wrong]
            async with asyncio.TaskGroup() as tasks:
                load = [tasks.create_task(_write(actor.writer, seed)) for actor in actors]
                await asyncio.gather(*(actor.work() for actor in actors))
                await mutation.scenario(broker, actors)
                for task in load:
                    task.cancel()
            (caught, found), (_, broken) = await asyncio.gather(_end(wrong), _end(right))
    tell(f"{name}: {f'found out: {found[0][:SHOWN]} …' if caught else 'NOT FOUND OUT'}")
    return Trial(name, caught, found, broken)


async def _end(actor: Actor) -> tuple[bool, list[str]]:
    """Wait until all is handled, and find out what is wrong.

    Returns:
        Whether anything is lost, doubled or inverted; and which promises are broken, in words.
    """
    await actor.writer.settle()
    lag_seconds = await settled(actor.stage, actor.fleet, PATIENCE)
    await actor.fleet.scale(0)
    proof, broken = await conclude(actor.stage, Ledger(), actor.writer, actor.reader)
    counts = proof.verdict.counts
    return bool(counts[LOST] + counts[DOUBLED] + counts[INVERTED]), [*broken, *late(lag_seconds)]


async def _write(writer: Writer, seed: int) -> None:
    """Write all kinds of records, until cancelled."""
    straight = Straight(writer, Random(f"{seed}-mutations"))  # noqa: S311 - it has to be the same again
    chance = Random(f"{seed}-pace")  # noqa: S311 - as above
    share = {write: 1 / pause for write, pause in PACE.items()}
    while True:
        (write,) = chance.choices([*share], [*share.values()])
        write(straight)
        await asyncio.sleep(chance.expovariate(sum(share.values())))


@contextlib.asynccontextmanager
async def _acting(broker: Broker, prefix: str, patch: str, logs: Path) -> AsyncIterator[Actor]:
    given = {**SETTINGS, "topic_prefix": prefix, "partitions": PARTITIONS, "replication": 1}
    stage = Stage(broker.bootstrap_servers, given)
    await stage.set_up()
    with Writer(stage) as writer, Reader(stage.servers, stage.derived, PARTITIONS) as reader:
        async with Fleet(stage, logs, program(patch)) as fleet:
            await fleet.scale(1)
            yield Actor(stage, fleet, writer, reader)
