"""The Kafka client that a connection is made of: aiokafka's producer, for one topic, and patient."""

import asyncio
from math import inf
from time import monotonic

from aiokafka import AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.cluster import ClusterMetadata
from aiokafka.producer.message_accumulator import MessageBatch
from aiokafka.structs import TopicPartition

from rollcall_domain.service.connection import client_options
from rollcall_producer.settings import ProducerSettings

METADATA_PAUSE = 0.1
"""Seconds between requests for metadata, at the least."""


class Client(AIOKafkaProducer):  # type: ignore[misc]  # it has no types
    """An idempotent producer for batches to one topic.

    Args:
        topic: The topic's full name.
        settings: The service's settings.
        batch_limit: Bytes of a batch at the most.
    """

    def __init__(self, topic: str, settings: ProducerSettings, batch_limit: int) -> None:
        super().__init__(
            **client_options(settings, "rollcall-producer"),
            enable_idempotence=True,
            acks="all",
            max_batch_size=batch_limit,
            request_timeout_ms=int(settings.deadline_seconds * 1000),
        )
        self.topic = topic
        # A batch whose partition has no leader would fail after the request's timeout, and the client with it.
        self._message_accumulator._batch_ttl = inf  # noqa: SLF001 - no public setting
        _pace(self.client)

    async def start(self) -> None:
        """Connect, and find the topic.

        Raises:
            KafkaError: Kafka can't be reached, or refuses, or there is no such topic.
        """
        await super().start()
        await self.client.set_topics([self.topic])  # else it might ask for those of the whole cluster
        await self.partitions_for(self.topic)

    def queued(self, partition: int) -> MessageBatch:
        """Give the last batch that waits for a partition, which tells how often it was sent."""
        return self._message_accumulator._batches[TopicPartition(self.topic, partition)][-1]  # noqa: SLF001 - no public way


def _pace(client: AIOKafkaClient) -> None:
    """Have a client pause between requests for metadata.

    For as long as a partition has no leader, the sender has it ask again as soon as it has an answer: thousands of
    times a second.
    """
    update, latest = client._metadata_update, -inf  # noqa: SLF001 - no public setting

    async def update_after_a_pause(cluster: ClusterMetadata, topics: set[str] | None) -> bool:
        nonlocal latest
        await asyncio.sleep(latest + METADATA_PAUSE - monotonic())
        latest = monotonic()
        updated: bool = await update(cluster, topics)
        return updated

    client._metadata_update = update_after_a_pause  # noqa: SLF001 - as above
