"""Whether tables that were derived anew are what they were."""

from collections.abc import Mapping

from aiokafka import TopicPartition

from rollcall_consumer.rebuild.report import Comparison, Difference
from rollcall_consumer.runtime.pipeline import Essence, Pipeline
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.service.source import Source
from rollcall_domain.topics import Topic

SLICE = 1000
"""Records that are read at a time."""

Table = dict[bytes | None, bytes]
"""The latest value of each key."""


async def compare(
    pipeline: Pipeline,
    old: ConsumerSettings,
    new: ConsumerSettings,
    done: Mapping[int, int],
    reached: Mapping[int, int],
) -> Comparison:
    """Compare the tables of two generations.

    Args:
        pipeline: Whose tables.
        old: The settings of the earlier generation.
        new: Those of the later one.
        done: For each partition, up to which offset of the source the earlier one has come.
        reached: The same of the later one.

    Raises:
        KafkaError: Kafka can't be reached, or refuses.
    """
    comparison = Comparison()
    topics = [each.topic_name(topic) for topic in pipeline.tables for each in (old, new)]
    async with Source(new, f"{pipeline.name}-compare", topics) as source:
        for topic in pipeline.tables:
            for index in range(new.partitions):
                tables = [await _read(source, TopicPartition(each.topic_name(topic), index)) for each in (old, new)]
                _compare(pipeline, topic, tables[0], tables[1], (done[index], reached[index]), comparison)
    return comparison


async def _read(source: Source, partition: TopicPartition) -> Table:
    table: dict[bytes | None, bytes | None] = {}
    async for _, records in source.scan(await source.bounds([partition]), SLICE):
        table.update([(record.key, record.value) for record in records])
    return {key: value for key, value in table.items() if value is not None}


def _compare(  # noqa: PLR0913, PLR0917 - two tables of a topic, and how far they have come
    pipeline: Pipeline, topic: Topic, old: Table, new: Table, ends: tuple[int, int], comparison: Comparison
) -> None:
    done, reached = ends
    expires = "delete" in topic.settings["cleanup.policy"]
    for key in sorted({*old, *new}, key=lambda key: key or b""):
        before, after = old.get(key), new.get(key)
        if before == after:
            comparison.same += 1
            continue
        old_essence, new_essence = (
            None if value is None else pipeline.essence(topic, value) for value in (before, after)
        )
        if old_essence is not None and new_essence is not None and old_essence.matter == new_essence.matter:
            comparison.same += 1
        elif _has_moved_on(new_essence or old_essence, done, reached):
            comparison.moved_on += 1
        elif not (expires and None in (before, after)):
            comparison.differ(Difference(topic.name, _text(key) or "", _text(before), _text(after)))


def _has_moved_on(essence: Essence | None, done: int, reached: int) -> bool:
    """Tell whether there may be more in a value than what the earlier generation knew."""
    if essence is None or essence.version is None:
        return done != reached
    return essence.version >= done


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode(errors="replace")
