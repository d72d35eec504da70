"""What a transaction is to write."""

from collections.abc import Iterable
from itertools import chain

from aiokafka import TopicPartition

from rollcall_domain.service.records import ForeignHeader, Message, Records

BATCH = 512 * 1024
"""Bytes of a batch at the most, but for a record that is larger by itself: half of what Kafka takes by default."""


class Outbox:
    """Records that are to be written, in batches.

    Attributes:
        batches: The batches for each partition, in order.
    """

    def __init__(self) -> None:
        self.batches: dict[TopicPartition, list[Records]] = {}

    def add(
        self,
        partition: TopicPartition,
        timestamp: int,
        key: bytes | None,
        value: bytes | None,
        headers: list[ForeignHeader],
    ) -> None:
        """Add a record; times are milliseconds since 1970, UTC."""
        batches = self._open(partition)
        if batches[-1].append(timestamp, key, value, headers) is None:
            batches.append(_batch())
            batches[-1].append(timestamp, key, value, headers)

    def extend(self, partition: TopicPartition, messages: Iterable[Message]) -> None:
        """Add records without headers."""
        batches = self._open(partition)
        queue = iter(messages)
        while (left := batches[-1].fill(queue)) is not None:
            batches.append(_batch())
            queue = chain([left], queue)

    def count(self) -> dict[TopicPartition, int]:
        """Count the records of each partition."""
        return {
            partition: sum(batch.record_count() for batch in batches) for partition, batches in self.batches.items()
        }

    def _open(self, partition: TopicPartition) -> list[Records]:
        if partition not in self.batches:
            self.batches[partition] = [_batch()]
        return self.batches[partition]


def _batch() -> Records:
    return Records(BATCH, transactional=True)
