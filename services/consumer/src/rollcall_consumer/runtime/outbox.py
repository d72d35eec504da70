"""What a transaction is to write."""

from collections.abc import Iterable

from aiokafka import TopicPartition

from rollcall_consumer.runtime.pipeline import Message
from rollcall_domain.service.records import ForeignHeader, Records

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
        self._extend(partition, [(key, value, timestamp)], headers)

    def extend(self, partition: TopicPartition, messages: Iterable[Message]) -> None:
        """Add records without headers."""
        self._extend(partition, messages, [])

    def _extend(
        self,
        partition: TopicPartition,
        messages: Iterable[tuple[bytes | None, bytes | None, int]],
        headers: list[ForeignHeader],
    ) -> None:
        batches = self.batches.get(partition)
        if batches is None:
            batches = self.batches[partition] = [_batch()]
        append = batches[-1].append
        for key, value, timestamp in messages:
            if append(timestamp, key, value, headers) is None:
                batches.append(_batch())
                append = batches[-1].append
                append(timestamp, key, value, headers)


def _batch() -> Records:
    return Records(BATCH, transactional=True)
