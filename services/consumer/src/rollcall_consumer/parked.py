"""The parked records of a pipeline, as all of its replicas have noted them, and what operators do with them."""

from collections.abc import Collection, Sequence

import msgspec
from aiokafka import TopicPartition

from rollcall_consumer.runtime.effects.parking import Parked, Parkings
from rollcall_consumer.runtime.orders import following
from rollcall_consumer.runtime.pipeline import Pipeline
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.control import GiveUp, Order, Release
from rollcall_domain.service.provision import count_partitions
from rollcall_domain.service.source import Source
from rollcall_domain.times import write_time
from rollcall_domain.topics import PARKED

SLICE = 500
"""Records that are read at a time."""


class Shown(msgspec.Struct, rename="pascal"):
    """A parked record, as JSON.

    Attributes:
        key: Its key; null if it has none.
        place: Where it lies: topic, partition and offset, as in `Student.Alerts-4@17`.
        tries: How often it was tried.
        since: When a try of it failed first, in ISO 8601, UTC.
        next_try: When it is tried again, in ISO 8601, UTC.
        error: What has failed last.
    """

    key: str | None
    place: str
    tries: int
    since: str
    next_try: str
    error: str


def shown(parked: Parked) -> Shown:
    """Show a parked record."""
    return Shown(
        parked.key,
        parked.place,
        parked.tries,
        write_time(parked.since),
        write_time(parked.next_try),
        parked.error,
    )


async def find(pipeline: Pipeline, given: ConsumerSettings) -> list[Parked]:
    """Find all parked records, those first that have been for longest.

    Raises:
        KafkaError: Kafka can't be reached, or refuses.
        TimeoutError: Kafka does not answer.
    """
    settings = pipeline.settings(given)
    topic = settings.topic_name(PARKED)
    if not await count_partitions(topic, settings):
        return []
    known = Parkings()
    async with Source(settings, "rollcall-parked", [topic]) as source:
        partitions = [TopicPartition(topic, index) for index in range(settings.partitions)]
        async for _, records in source.scan(await source.bounds(partitions), SLICE):
            known.take(records)
    return sorted(known.parked.values(), key=lambda each: (each.since, each.place))


def choose(parked: Sequence[Parked], words: Collection[str]) -> list[Parked]:
    """Choose those of these keys, or at these places."""
    return [each for each in parked if each.place in words or (each.key is not None and each.key in words)]


async def release(pipeline: Pipeline, given: ConsumerSettings, parked: Sequence[Parked]) -> None:
    """Have records tried again at once.

    Raises:
        KafkaError: Kafka can't be reached, or refuses.
        TimeoutError: Kafka does not answer.
    """
    await _give(pipeline, given, [Release(each.place, each.tries) for each in parked])


async def give_up(pipeline: Pipeline, given: ConsumerSettings, parked: Sequence[Parked]) -> None:
    """Have records be dead letters, so that those go on that wait for them.

    Raises:
        KafkaError: Kafka can't be reached, or refuses.
        TimeoutError: Kafka does not answer.
    """
    await _give(pipeline, given, [GiveUp(each.place) for each in parked])


async def _give(pipeline: Pipeline, given: ConsumerSettings, orders: Sequence[Order]) -> None:
    async with following(pipeline.settings(given)) as told:
        for order in orders:
            await told.give(order)
