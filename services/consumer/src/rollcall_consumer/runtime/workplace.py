"""What the work on all partitions of a replica shares."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from rollcall_consumer.runtime.lease import Lease
from rollcall_consumer.runtime.throttle import Throttle
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.control import Control
from rollcall_domain.topics import Topic

Committed = Callable[[Sequence[TopicPartition]], Awaitable[Mapping[TopicPartition, OffsetAndMetadata]]]
"""Reads what the group has committed of partitions."""


@dataclass(frozen=True)
class Workplace:
    """What the work on all partitions shares.

    Attributes:
        name: What the pipeline is called.
        reads: The topics that are read: the source, and the inbox.
        uses: All topics that are read or written.
        settings: The service's settings.
        committed: Reads what the group has committed.
        letter_limit: Bytes that a dead letter may have.
        throttle: How fast it may be done.
        allowed: Tells whether the group is still to work on this generation, after all orders that were given.
        control: What operators have said.
        lease: For how long nobody else works on its partitions.
        ends: The offset at which work on a partition is to end, where it is to. It may be moved on at any time.
        intake: Is held by who takes records in.
    """

    name: str
    reads: Sequence[Topic]
    uses: Sequence[Topic]
    settings: ConsumerSettings
    committed: Committed
    letter_limit: int
    throttle: Throttle
    allowed: Callable[[], Awaitable[bool]]
    control: Control
    lease: Lease
    ends: Mapping[TopicPartition, int] = field(default_factory=dict)
    intake: asyncio.Lock = field(default_factory=asyncio.Lock)

    def place(self, topic: Topic, index: int) -> TopicPartition:
        """Name a topic's partition in full."""
        return TopicPartition(self.settings.topic_name(topic), index)

    def topics(self) -> list[str]:
        """Name all topics that are read or written."""
        return [self.settings.topic_name(topic) for topic in self.uses]

    def inputs(self, index: int) -> list[TopicPartition]:
        """Name the partitions that are read, the source's first."""
        return [self.place(topic, index) for topic in self.reads]
