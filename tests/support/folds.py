"""Pipelines of a test's own, with folds that know no students, and a worker that runs them in this process."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from rollcall_consumer.runtime.folds.fold import Admitted, Fold, Outputs, Share
from rollcall_consumer.runtime.folds.pipeline import FoldPipeline
from rollcall_consumer.runtime.pipeline import Pipeline
from rollcall_consumer.runtime.worker import Worker, engaged
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.errors import MisplacedError, Reason, UnreadableRecordError
from rollcall_domain.service.provision import ensure_topics
from rollcall_domain.service.records import Message, Record
from rollcall_domain.topics import Topic
from support.log import read_all, read_committed_offset
from support.services import PATIENCE, Environment

SOURCE = Topic("Source", {})
INBOX = Topic("Source.Inbox", {}, derived=True)
COUNTS = Topic("Source.Counts", {"cleanup.policy": "compact"}, derived=True)
SEEN = Topic("Source.Seen", {}, derived=True)

Headers = Sequence[tuple[str, bytes | None]]
Written: TypeAlias = ConsumerRecord[bytes | None, bytes | None]


class Counting:
    """Counts records by their value, and passes each on with its count.

    Values that are commands: `refuse` is unreadable, `fail` is an error, `to N KEY` belongs to another partition.
    """

    def __init__(self, share: Share, _: ConsumerSettings) -> None:
        self._share = share
        self._counts: dict[bytes, int] = {}
        self._changed: dict[bytes, int] = {}
        self._seen: list[Message] = []

    def restore(self, topic: Topic, values: Iterable[bytes]) -> None:
        """Take counts back."""
        assert topic is COUNTS
        for value in values:
            counted, _, count = value.rpartition(b"=")
            self._counts[counted] = int(count)

    def restored(self) -> list[int]:
        """Begin, from where it was committed."""
        return [0, 0]

    def apply(self, records: Iterator[Admitted], source: int) -> None:
        """Count records."""
        assert source in (0, 1)
        for record, cause in records:
            self.count(record, cause)

    def count(self, record: Record, cause: bytes) -> None:
        """Count a record."""
        value = record.value or b""
        match value.split():
            case [b"refuse", *_]:
                raise UnreadableRecordError(Reason.NOT_JSON, "by intent")
            case [b"fail", *_]:
                raise RuntimeError("by intent")
            case [b"to", index, key] if int(index) != self._share.index:
                raise MisplacedError(key.decode(), int(index))
        self._counts[value] = self._changed[value] = self._counts.get(value, 0) + 1
        self._seen.append((cause, b"%b=%d" % (value, self._counts[value]), record.timestamp))

    def next_due(self) -> int | None:
        """Say that the clock does not matter."""
        return None

    def tick(self, now: int) -> None:
        """Let time pass."""

    def take(self) -> Outputs:
        """Give what has been counted, and seen."""
        counts = [(value, b"%b=%d" % (value, count), 0) for value, count in self._changed.items()]
        seen, self._seen, self._changed = self._seen, [], {}
        return [(COUNTS, counts), (SEEN, seen)]

    def committed(self) -> None:
        """Hear that it is written."""


def counting(fold: Callable[[Share, ConsumerSettings], Fold] = Counting) -> FoldPipeline:
    """Make a pipeline with such a fold, or one like it."""
    return FoldPipeline("test", source=SOURCE, inbox=INBOX, tables=[COUNTS], streams=[SEEN], fold=fold)


class Line:
    """A pipeline with topics of its own, and what lies on them.

    Args:
        environment: Where.
        pipeline: Another one than that which counts.
        settings: Further settings of the worker.

    Attributes:
        settings: The worker's settings.
    """

    def __init__(self, environment: Environment, pipeline: Pipeline | None = None, **settings: object) -> None:
        self._pipeline = pipeline or counting()
        self.settings = self._pipeline.settings(environment.consumer(**settings))

    @property
    def servers(self) -> str:
        """Where Kafka is."""
        return self.settings.bootstrap_servers

    def name(self, topic: Topic) -> str:
        """Name a topic in full."""
        return self.settings.topic_name(topic)

    async def create(self) -> "Line":
        """Create all topics."""
        await ensure_topics(self._pipeline.topics, self.settings)
        return self

    @asynccontextmanager
    async def working(self) -> AsyncIterator["Work"]:
        """Run a worker, and stop it in order; what ends it ends the body too."""
        async with engaged(self._pipeline, self.settings) as worker, asyncio.TaskGroup() as tasks:
            running = tasks.create_task(worker.run())
            yield Work(worker)
            running.cancel()

    async def run(self) -> None:
        """Run a worker until all is handled that was there."""
        async with self.working() as work:
            await work.ready()

    async def write(
        self, *values: bytes | None, topic: Topic = SOURCE, partition: int = 0, headers: Headers = (), **fields: object
    ) -> None:
        """Write records, of the same headers; without a key and as of now, if nothing else is said."""
        async with AIOKafkaProducer(bootstrap_servers=self.servers, acks="all") as client:
            sent = [
                await client.send(self.name(topic), value, partition=partition, headers=[*headers], **fields)
                for value in values
            ]
            await asyncio.gather(*sent)

    async def records(self, topic: Topic) -> list[Written]:
        """Read what is committed of a topic."""
        return await read_all(self.servers, self.name(topic), committed=True)

    async def seen(self) -> list[bytes | None]:
        """Read what the fold has given for each record that it was given, partition by partition."""
        return [record.value for record in await self.records(SEEN)]

    async def sees(self, count: int) -> list[bytes | None]:
        """Wait until the fold was given so many records in all, and it is committed."""
        async with asyncio.timeout(PATIENCE):
            while len(seen := await self.seen()) < count:  # noqa: ASYNC110 - a log can only be asked
                await asyncio.sleep(0.02)
        return seen

    async def offset(self, topic: Topic = SOURCE, partition: int = 0) -> int | None:
        """Read what the group has committed."""
        return await read_committed_offset(self.servers, self.settings.group_id, self.name(topic), partition)

    async def reaches(self, offset: int, topic: Topic = SOURCE, partition: int = 0) -> None:
        """Wait until the group has committed that."""
        async with asyncio.timeout(PATIENCE):
            while await self.offset(topic, partition) != offset:  # noqa: ASYNC110 - it can only be asked
                await asyncio.sleep(0.02)

    async def commit(self, offset: int, topic: Topic = SOURCE, partition: int = 0) -> None:
        """Commit for the group, as an operator would."""
        async with self.member() as member:
            place = TopicPartition(self.name(topic), partition)
            member.assign([place])
            await member.commit({place: OffsetAndMetadata(offset, "")})

    def member(self) -> AIOKafkaConsumer:
        """Make a consumer that knows the group, and is no member of it."""
        return AIOKafkaConsumer(
            bootstrap_servers=self.servers, group_id=self.settings.group_id, enable_auto_commit=False
        )


class Work:
    """A worker at work.

    Attributes:
        worker: The worker.
    """

    def __init__(self, worker: Worker) -> None:
        self.worker = worker

    async def ready(self) -> None:
        """Wait until all is handled that was there."""
        await self.until(lambda: self.worker.ready() is None)

    async def fault(self, part: str) -> None:
        """Wait until it says why it is not ready: a part of that."""
        await self.until(lambda: part in (self.worker.ready() or ""))

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for something that can only be asked."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not holds():  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"it did not come to that; ready: {self.worker.ready()}") from None
