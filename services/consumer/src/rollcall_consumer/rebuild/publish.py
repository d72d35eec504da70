"""Outputs that go on in all generations: what was derived anew and was not there already is added to them."""

import structlog
from aiokafka import TopicPartition

from rollcall_consumer.rebuild.report import Published
from rollcall_consumer.runtime.folds.pipeline import FoldPipeline
from rollcall_consumer.runtime.folds.window import find
from rollcall_consumer.runtime.letters import read_letter, read_note
from rollcall_consumer.runtime.outbox import Outbox
from rollcall_consumer.runtime.transactor import Transactor
from rollcall_consumer.settings import ConsumerSettings, of_generation
from rollcall_domain.control import FIRST
from rollcall_domain.service.provision import count_partitions, delete_topics
from rollcall_domain.service.records import Record
from rollcall_domain.service.source import Source
from rollcall_domain.topics import DEAD_LETTERS, Topic

log = structlog.get_logger()

SLICE = 500
"""Records that are read at a time, and written by one transaction."""


def lasting(pipeline: FoldPipeline) -> list[Topic]:
    """Name the outputs of a pipeline that go on in all generations."""
    return [topic for topic in (*pipeline.streams, DEAD_LETTERS) if topic.lasting]


async def publish(pipeline: FoldPipeline, settings: ConsumerSettings, generation: int) -> dict[str, Published]:
    """Add to the outputs what a generation has led to while it was built, and remove where that was kept.

    It may be begun again wherever it was interrupted.

    Args:
        pipeline: Whose outputs.
        settings: The service's settings.
        generation: The number of the generation, which serves.

    Returns:
        What has become of them, by topic as it is declared.

    Raises:
        KafkaError: Kafka can't be reached, or refuses.
        DoubtError: It is not known what has become of a transaction.
    """
    if generation == FIRST:
        return {}  # it was never built beside another one
    building, serving = (of_generation(settings, generation, building=building) for building in (True, False))
    published = {}
    for topic in lasting(pipeline):
        if await count_partitions(building.topic_name(topic), building):
            published[topic.name] = Published()
            for index in range(settings.partitions):
                await _Shelf(pipeline, topic, index, building, serving).publish(published[topic.name])
            await delete_topics([topic], building)
    return published


class _Shelf:
    """A partition of an output, and where it was kept while its generation was built."""

    def __init__(
        self, pipeline: FoldPipeline, topic: Topic, index: int, building: ConsumerSettings, serving: ConsumerSettings
    ) -> None:
        self._pipeline = pipeline
        self._topic = topic
        self._index = index
        self._serving = serving
        self._staged = TopicPartition(building.topic_name(topic), index)
        self._target = TopicPartition(serving.topic_name(topic), index)
        self._identities: dict[bytes, bytes] = {}

    async def publish(self, published: Published) -> None:
        """Add what is not there already, and count it."""
        names = [self._staged.topic, self._target.topic]
        transactor = Transactor(self._serving, f"{self._pipeline.name}-publish", self._index, names)
        await transactor.start()
        try:
            async with Source(self._serving, f"{self._pipeline.name}-publish", names) as source:
                known = await self._known(source)
                async for _, records in source.scan(await source.bounds([self._staged]), SLICE):
                    new = [record for record in records if self._identify(record) not in known]
                    await self._write(transactor, new)
                    published.new += len(new)
                    published.known += len(records) - len(new)
        finally:
            await transactor.close()

    async def _known(self, source: Source) -> set[object]:
        """Find what is there already; a dead letter that was sent back is not, if it is one again."""
        known: dict[object, int] = {}
        redriven: set[int] = set()
        async for _, records in source.scan(await source.bounds([self._target]), SLICE):
            for record in records:
                identity = self._identify(record)
                known[identity] = record.offset
                if identity is None:
                    redriven.update(read_note(record))
        return {identity for identity, offset in known.items() if offset not in redriven}

    async def _write(self, transactor: Transactor, records: list[Record]) -> None:
        outbox = Outbox()
        for record in records:
            outbox.add(self._target, record.timestamp, record.key, record.value, list(record.headers))
        if records:
            await transactor.commit(outbox, {})

    def _identify(self, record: Record) -> object:
        """Tell a record from all others, whichever generation it comes from; None for one that is nothing to us."""
        if self._topic is not DEAD_LETTERS:
            return self._pipeline.identify(self._topic, record.value or b"")
        letter = read_letter(self._index, record)
        if letter is None or letter.why.group != self._serving.owner:
            return None
        identity = find(letter.headers) or f"{letter.why.topic}-{letter.why.partition}-{letter.why.offset}".encode()
        if letter.before is not None:  # it failed again: it is what it was before
            identity = self._identities.get(letter.before, identity)
        self._identities[letter.place(self._target.topic)] = identity
        return identity
