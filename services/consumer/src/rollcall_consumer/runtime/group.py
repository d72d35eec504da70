"""A consumer group as Kafka knows it: how far it has come with each partition, and how far there is to go."""

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from rollcall_consumer.runtime.committed import committed


class Look(NamedTuple):
    """How things stood at a time.

    Attributes:
        at: The time, in seconds of the monotonic clock.
        done: For each partition, the offset up to which the group has handled it.
        ends: For each partition, where its committed records end.
    """

    at: float
    done: Mapping[TopicPartition, int]
    ends: Mapping[TopicPartition, int]

    def lag(self, partition: TopicPartition) -> int:
        """Count the records of a partition that are not handled; marks of transactions count as records."""
        return max(0, self.ends[partition] - self.done[partition])


async def look(consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> Look:
    """Find out how things stand.

    Args:
        consumer: A consumer that knows the group; it need not be a member of it.
        partitions: The partitions that are asked about.

    Raises:
        KafkaError: Kafka can't be reached, or refuses.
    """
    noted = await committed(consumer, partitions)  # first, or what is handled meanwhile would lie beyond the end
    begins = await consumer.beginning_offsets(partitions)
    ends = await consumer.end_offsets(partitions)
    done = {
        partition: max(begins[partition], noted[partition].offset) if partition in noted else begins[partition]
        for partition in partitions
    }
    return Look(monotonic(), done, ends)


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
    def seconds_left(self) -> float:
        """Seconds until nothing is left, if all goes on like this; infinity if it never comes to that."""
        if self.lag <= self.handled * self.seconds:
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
