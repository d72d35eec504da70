"""Our runtime for effects, in a process like that of its peers."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from unittest.mock import patch

from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from rollcall_consumer.runtime.effects.effect import Handle, Terms
from rollcall_consumer.runtime.effects.pipeline import EffectPipeline
from rollcall_consumer.runtime.outbox import Outbox
from rollcall_consumer.runtime.transactor import Transactor
from rollcall_consumer.runtime.worker import engaged
from rollcall_consumer.settings import ConsumerSettings
from rollcall_dev.bench.load.chores import Chore, Log, read
from rollcall_dev.bench.peers.handling import Handling, Job, compete
from rollcall_domain.service import logs
from rollcall_domain.service.provision import delete_topics
from rollcall_domain.service.source import Source
from rollcall_domain.topics import CONTROL, STUDENT

_TRIES = 1_000_000
"""More than there is time for."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 0.5
"""Seconds between tries."""


async def handle(job: Job, log: Log, handling: Handling) -> None:
    """Handle all of a log."""
    settings = ConsumerSettings(
        bootstrap_servers=job.bootstrap_servers, topic_prefix=log.prefix, partitions=1, group=job.group
    )
    pipeline = _pipeline(job, handling)
    with _timed(log.partition, log.records, handling):
        async with engaged(pipeline, settings) as worker, asyncio.TaskGroup() as tasks:
            working = tasks.create_task(worker.run())
            await handling.settled.wait()
            working.cancel()
    derived = [topic for topic in (*pipeline.topics, CONTROL) if topic.derived]
    await delete_topics(derived, pipeline.settings(settings))


def _pipeline(job: Job, handling: Handling) -> EffectPipeline[Chore]:
    @contextlib.asynccontextmanager
    async def opened(_: ConsumerSettings) -> AsyncIterator[Handle[Chore]]:
        yield lambda delivery: handling.handle(delivery.event)

    terms = Terms(lanes=job.lanes, tries=_TRIES, first_pause=_FIRST_PAUSE, longest_pause=_LONGEST_PAUSE)
    return EffectPipeline(name="chores", source=STUDENT, read=read, handler=opened, terms=terms)


@contextlib.contextmanager
def _timed(partition: TopicPartition, end: int, handling: Handling) -> Iterator[None]:
    """Have the clock begin when the partition is read first, and end when all of it is committed."""
    reading, committing = Source.read, Transactor.commit

    def begin(
        source: Source, positions: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int] | None = None
    ) -> None:
        if partition in positions:
            handling.begin()
        reading(source, positions, ends)

    async def commit(
        transactor: Transactor, outbox: Outbox, offsets: Mapping[TopicPartition, OffsetAndMetadata]
    ) -> None:
        await committing(transactor, outbox, offsets)
        if offsets[partition].offset == end:
            handling.commit()

    with patch.object(Source, "read", begin), patch.object(Transactor, "commit", commit):
        yield


if __name__ == "__main__":
    logs.configure("console", "warning", sys.stderr)
    compete(handle)
