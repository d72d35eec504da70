"""What happens to a group's partitions between two looks at it."""

from typing import NamedTuple

from aiokafka import TopicPartition

from rollcall_consumer.runtime.pipeline import Pipeline, inputs_of
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.service.group import Look


def inputs(pipeline: Pipeline, settings: ConsumerSettings) -> list[TopicPartition]:
    """Name all partitions that a group reads."""
    topics = [settings.topic_name(topic) for topic in inputs_of(pipeline)]
    return [TopicPartition(topic, index) for topic in topics for index in range(settings.partitions)]


class Flow(NamedTuple):
    """What happens to the partitions of one index between two looks.

    Attributes:
        lag: Records that are not handled, at the second look.
        coming: Records that come in, a second.
        handled: Records that are handled, a second.
        seconds: The time between the looks.
    """

    lag: int
    coming: float
    handled: float
    seconds: float

    @property
    def demand(self) -> float:
        """Records a second with which nothing would be left at a third look."""
        return self.coming + self.lag / self.seconds

    @property
    def lags(self) -> bool:
        """Whether more is waiting than what is in hand anyway."""
        return self.lag > self.handled * self.seconds

    @property
    def seconds_left(self) -> float:
        """Seconds until nothing is left, if all goes on like this; infinity if it never comes to that."""
        if not self.lags:
            return 0.0
        gain = self.handled - self.coming
        return self.lag / gain if gain > 0 else float("inf")


def flows(before: Look, after: Look) -> dict[int, Flow]:
    """Find out what happens to each index, all of its inputs together."""
    seconds = max(after.at - before.at, 1e-3)
    found = {}
    for index in sorted({partition.partition for partition in after.ends}):
        inputs = [partition for partition in after.ends if partition.partition == index]
        lag = sum(after.lag(partition) for partition in inputs)
        coming = sum(max(0, after.ends[partition] - before.ends[partition]) for partition in inputs)
        handled = sum(max(0, after.done[partition] - before.done[partition]) for partition in inputs)
        found[index] = Flow(lag, coming / seconds, handled / seconds, seconds)
    return found
