"""What a transaction is to write."""

from collections.abc import Iterable

from aiokafka import TopicPartition

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
        batches = self.batches.get(partition)
        if batches is None:
            batches = self.batches[partition] = [_batch()]
        if batches[-1].append(timestamp, key, value, headers) is None:
            batches.append(_batch())
            batches[-1].append(timestamp, key, value, headers)

    def extend(self, partition: TopicPartition, messages: Iterable[tuple[bytes, bytes, int]]) -> None:
        """Add records without headers: their keys, values and times."""
        batches = self.batches.setdefault(partition, [])
        batch = batches[-1] if batches else _batch()
        if not batches:
            batches.append(batch)
        append, none = batch.append, list[ForeignHeader]()
        for key, value, timestamp in messages:
            if append(timestamp, key, value, none) is None:
                batches.append(_batch())
                append = batches[-1].append
                append(timestamp, key, value, none)


def _batch() -> Records:
    return Records(BATCH, transactional=True)
