"""Whether tables that were derived anew are what they were."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aiokafka import TopicPartition

from rollcall_consumer.rebuild.report import Comparison, Difference
from rollcall_consumer.runtime.folds.pipeline import FoldPipeline
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.service.source import Source
from rollcall_domain.topics import Topic

SLICE = 1000
"""Records that are read at a time."""

Ends = Mapping[str, Sequence[int]]
"""Where tables ended at some time, by the names of the topics as they are declared: an offset for each partition."""


class _Table(NamedTuple):
    """A partition of a table.

    Attributes:
        values: The latest value of each key.
        moved: The keys that have changed since a time.
    """

    values: Mapping[bytes | None, bytes]
    moved: frozenset[bytes | None]


async def compare(
    pipeline: FoldPipeline, old: ConsumerSettings, new: ConsumerSettings, old_ends: Ends, new_ends: Ends
) -> Comparison:
    """Compare the tables of two generations.

    Args:
        pipeline: Whose tables.
        old: The settings of the earlier generation.
        new: Those of the later one.
        old_ends: Where the tables of the earlier one ended when both had handled the same, or before that.
        new_ends: The same of the later one.

    Raises:
        KafkaError: Kafka can't be reached, or refuses.
    """
    comparison = Comparison()
    topics = [each.topic_name(topic) for topic in pipeline.tables for each in (old, new)]
    async with Source(new, f"{pipeline.name}-compare", topics) as source:
        for topic in pipeline.tables:
            for index in range(new.partitions):
                before, after = [
                    await _read(source, TopicPartition(each.topic_name(topic), index), ends[topic.name][index])
                    for each, ends in ((old, old_ends), (new, new_ends))
                ]
                _compare(pipeline, topic, before, after, comparison)
    return comparison


async def _read(source: Source, partition: TopicPartition, since: int) -> _Table:
    table: dict[bytes | None, bytes | None] = {}
    moved: set[bytes | None] = set()
    async for _, records in source.scan(await source.bounds([partition]), SLICE):
        table.update([(record.key, record.value) for record in records])
        moved.update([record.key for record in records if record.offset >= since])
    return _Table({key: value for key, value in table.items() if value is not None}, frozenset(moved))


def _compare(pipeline: FoldPipeline, topic: Topic, old: _Table, new: _Table, comparison: Comparison) -> None:
    expires = "delete" in topic.settings["cleanup.policy"]
    for key in sorted({*old.values, *new.values}, key=lambda key: key or b""):
        before, after = old.values.get(key), new.values.get(key)
        if before == after:
            comparison.same += 1
            continue
        old_essence, new_essence = (
            None if value is None else pipeline.essence(topic, value) for value in (before, after)
        )
        if old_essence == new_essence:
            comparison.same += 1
        elif key in old.moved or key in new.moved:
            comparison.moved_on += 1
        elif not (expires and None in (before, after)):
            comparison.differ(Difference(topic.name, _text(key) or "", _text(before), _text(after)))


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode(errors="replace")
