"""A batch run: the group works up to where the log ended when the run began, and then it is over."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from prometheus_client import Counter

from rollcall_consumer import metrics
from rollcall_consumer.reporting import reporting
from rollcall_consumer.runtime.flow import inputs
from rollcall_consumer.runtime.orders import serving
from rollcall_consumer.runtime.pipeline import Pipeline, inputs_of
from rollcall_consumer.runtime.worker import Worker
from rollcall_consumer.settings import ConsumerSettings
from rollcall_consumer.working import HaltError, working
from rollcall_domain.service.group import look, observing
from rollcall_domain.service.provision import ensure_topics

LOOK = 0.2
"""Seconds between looks at how far the group has come."""

Watch = Callable[[int, int], None]
"""Is told how many records there were to be handled, and how many of them are."""


class Report(msgspec.Struct, rename="pascal"):
    """What a batch run has come to.

    Attributes:
        group: The consumer group.
        drained: Whether all is handled that was there when it began.
        reason: Why not, for people.
        seconds: How long it took.
        lag_before: Records that were not handled when it began.
        lag_after: The same when it ended, with those that have come in since; None if Kafka did not say.
        records: Records that this run has handled. Other replicas of the group may have handled more.
        repeated: How many of them repeated an earlier one.
        forwarded: How many of them were sent on to another partition.
        dead_letters: How many of them could not be handled.
        written: What this run has written, by topic.
    """

    group: str
    drained: bool = False
    reason: str | None = None
    seconds: float = 0.0
    lag_before: int = 0
    lag_after: int | None = None
    records: int = 0
    repeated: int = 0
    forwarded: int = 0
    dead_letters: int = 0
    written: dict[str, int] = {}


async def drain(
    pipeline: Pipeline, settings: ConsumerSettings, stopping: asyncio.Event, limit: float, watch: Watch
) -> Report:
    """Have the group work up to where the log ends now, with this process as a replica more.

    Args:
        pipeline: What is done.
        settings: The service's settings.
        stopping: Is set when the run is to end before that.
        limit: Seconds after which it ends in any case.
        watch: Is told how it goes on.

    Returns:
        What has come of it, be it done or not.
    """
    settings = pipeline.settings(settings)
    report = Report(settings.owner)
    with reporting(report, settings):
        try:
            async with asyncio.timeout(limit) as timer:
                await _drain(pipeline, settings, stopping, report, watch)
        except TimeoutError as error:
            if timer.expired():
                raise HaltError(f"not done within {limit:g} s") from error
            raise
        report.drained = True
    report.records, report.repeated = _count(metrics.records), _count(metrics.repeats)
    report.forwarded, report.dead_letters = _count(metrics.forwarded), _count(metrics.dead_letters)
    report.written = _by_label(metrics.written)
    return report


async def _drain(
    pipeline: Pipeline, settings: ConsumerSettings, stopping: asyncio.Event, report: Report, watch: Watch
) -> None:
    current = await serving(settings)
    await ensure_topics(pipeline.topics, current)
    source, inbox = (current.topic_name(topic) for topic in inputs_of(pipeline))
    async with observing(current, current.group_id) as consumer:
        begin = await look(consumer, inputs(pipeline, current))
        report.lag_before = begin.total
        ends = {partition: end for partition, end in begin.ends.items() if partition.topic == source}
        try:
            async with working(pipeline, settings, ends, stopping) as (worker, alive):

                def check() -> None:
                    alive()
                    if worker.generation not in (None, current.generation):
                        raise HaltError(f"generation {worker.generation} has taken over; begin again")

                faults = await _reach(consumer, worker, begin.ends, check, watch)
                # What these records have led to in the inbox lies beyond where that ended.
                forwarded = (
                    await look(consumer, [partition for partition in begin.ends if partition.topic == inbox])
                ).ends
                faults |= await _reach(consumer, worker, forwarded, check, lambda _, __: None)
            if faults:
                raise HaltError("; ".join(faults.values()))
        finally:
            with contextlib.suppress(KafkaError, TimeoutError):
                report.lag_after = (await look(consumer, [*begin.ends])).total


async def _reach(
    consumer: AIOKafkaConsumer,
    worker: Worker,
    ends: Mapping[TopicPartition, int],
    check: Callable[[], None],
    watch: Watch,
) -> dict[int, str]:
    """Wait until the group has come to these ends, but where partitions have stopped; tells why these have."""
    total = None
    while True:
        check()
        faults = worker.faults
        done = (await look(consumer, [*ends])).done
        left = {partition: end - done[partition] for partition, end in ends.items() if end > done[partition]}
        records = sum(left.values())
        total = records if total is None else total
        watch(total, total - records)
        waiting = {partition.partition for partition in left}
        if waiting <= faults.keys():
            return {index: faults[index] for index in sorted(waiting)}
        await asyncio.sleep(LOOK)


def _count(counter: Counter) -> int:
    return sum(_by_label(counter).values())


def _by_label(counter: Counter) -> dict[str, int]:
    samples = [sample for metric in counter.collect() for sample in metric.samples if sample.name.endswith("_total")]
    return {"".join(sample.labels.values()): int(sample.value) for sample in samples}
