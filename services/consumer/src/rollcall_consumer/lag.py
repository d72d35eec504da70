"""How far a consumer group is behind, as operators think of it: in records and in seconds, and for how long yet."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from math import isinf
from time import time

import msgspec
from aiokafka import AIOKafkaConsumer

from rollcall_consumer.runtime.flow import Flow, flows, inputs
from rollcall_consumer.runtime.members import members
from rollcall_consumer.runtime.orders import serving
from rollcall_consumer.runtime.pipeline import Pipeline, inputs_of
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.errors import RollcallError
from rollcall_domain.service.group import Look, look, observing, oldest
from rollcall_domain.service.provision import count_partitions

INTERVAL = 2.0
"""Seconds between looks, from which rates are found out."""


class NothingToReadError(RollcallError):
    """The topic that the group reads does not exist."""


class Part(msgspec.Struct, rename="pascal"):
    """How far the group is behind with the partitions of one index.

    Attributes:
        partition: The index.
        records: Records that are not handled.
        seconds: How old the oldest of them is.
        coming: Records that come in, a second.
        handled: Records that are handled, a second.
        seconds_left: Seconds until none is left at this pace; null if it never comes to that.
        held_by: Who works on it: the member's id in the group, and where it is; null if nobody does.
    """

    partition: int
    records: int
    seconds: float
    coming: float
    handled: float
    seconds_left: float | None
    held_by: str | None


class Lag(msgspec.Struct, rename="pascal"):
    """How far a group is behind.

    Attributes:
        group: The group.
        records: Records that are not handled.
        seconds: How old the oldest of them is.
        coming: Records that come in, a second.
        handled: Records that are handled, a second.
        seconds_left: Seconds until none is left at this pace; null if it never comes to that.
        replicas: How many replicas hold partitions.
        partitions: The same for each index of partitions.
    """

    group: str
    records: int
    seconds: float
    coming: float
    handled: float
    seconds_left: float | None
    replicas: int
    partitions: list[Part]


async def watch(pipeline: Pipeline, settings: ConsumerSettings) -> AsyncGenerator[Lag, None]:
    """Look at a group again and again, every two seconds.

    Raises:
        NothingToReadError: The topic that the group reads does not exist.
        KafkaError: Kafka can't be reached, or refuses.
        TimeoutError: Kafka does not answer.
    """
    current = await serving(pipeline.settings(settings))
    source, inbox = (current.topic_name(topic) for topic in inputs_of(pipeline))
    if not await count_partitions(current.topic_name(pipeline.source), current):
        raise NothingToReadError(f"there is no topic {source} yet")
    topics = {source, inbox} if await count_partitions(current.topic_name(pipeline.inbox), current) else {source}
    partitions = [partition for partition in inputs(pipeline, current) if partition.topic in topics]
    async with observing(current, current.group_id) as consumer, members(current) as registry:
        before = await look(consumer, partitions)
        while True:
            await asyncio.sleep(INTERVAL)
            now = await look(consumer, partitions)
            yield _lag(current.group_id, flows(before, now), await _ages(consumer, now), await registry.holders())
            before = now


async def _ages(consumer: AIOKafkaConsumer, now: Look) -> dict[int, float]:
    """Tell for each index how old the oldest record is that is not handled, in seconds."""
    moment, ages = time(), dict[int, float]()
    for partition, timestamp in (await oldest(consumer, now)).items():
        ages[partition.partition] = max(ages.get(partition.partition, 0.0), moment - timestamp / 1000)
    return ages


def _lag(group: str, found: Mapping[int, Flow], ages: Mapping[int, float], holders: Mapping[int, str]) -> Lag:
    parts = [
        Part(
            index,
            flow.lag,
            round(ages.get(index, 0.0), 1),
            round(flow.coming, 1),
            round(flow.handled, 1),
            None if isinf(flow.seconds_left) else round(flow.seconds_left, 1),
            holders.get(index),
        )
        for index, flow in found.items()
    ]
    left = [part.seconds_left for part in parts]
    return Lag(
        group,
        sum(part.records for part in parts),
        max(part.seconds for part in parts),
        round(sum(part.coming for part in parts), 1),
        round(sum(part.handled for part in parts), 1),
        None if None in left else max(seconds for seconds in left if seconds is not None),
        len(set(holders.values())),
        parts,
    )
