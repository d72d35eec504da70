"""The topic that updates are written to, as an operator and as a reader sees it."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any, NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
)

PATIENCE = 60.0
"""Seconds for the cluster to do what it is told."""


class Entry(NamedTuple):
    """A record in the log.

    Attributes:
        partition: Where it is.
        offset: Where it is in that.
        student: Whose.
        state: 0 for LoggedIn, 1 for LoggedOut.
        identity: Its id.
        trace: The trace that it belongs to, or an empty string.
        timestamp: Milliseconds since 1970, UTC.
    """

    partition: int
    offset: int
    student: str
    state: int
    identity: str
    trace: str
    timestamp: int


class _Value(msgspec.Struct, rename="pascal"):
    student_id: str
    state: int


class Topic:
    """A topic of a cluster.

    Args:
        servers: The cluster's bootstrap servers.
        name: The topic's name.
        partitions: How many partitions it has.
        replication: Its copies.
    """

    def __init__(self, servers: str, name: str, partitions: int, replication: int) -> None:
        self.partitions = partitions
        self._servers = servers
        self._name = name
        self._replication = replication
        self._admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})

    async def configure(self, name: str, value: str) -> None:
        """Change a setting of the topic."""
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ConfigResource.Type.TOPIC, self._name, incremental_configs=[entry])
        await asyncio.to_thread(self._admin.incremental_alter_configs([resource])[resource].result)

    async def leaders(self) -> dict[int, int]:
        """Tell which node leads each partition."""
        description = await asyncio.to_thread(self._describe)
        return {} if description is None else {p.id: p.leader.id for p in description.partitions}

    async def delete(self) -> float:
        """Delete the topic.

        Returns:
            The time of the monotonic clock from which on what is accepted is in the next one of its name.
        """
        before = await asyncio.to_thread(self._describe)
        await asyncio.to_thread(self._admin.delete_topics([self._name])[self._name].result)
        async with asyncio.timeout(PATIENCE):
            while (now := await asyncio.to_thread(self._describe)) and now.topic_id == before.topic_id:  # noqa: ASYNC110
                await asyncio.sleep(0.01)  # the cluster can only be asked
        return monotonic()

    async def recreate(self) -> float:
        """Delete the topic as above, and make it anew, unless somebody else does so first."""
        gone = await self.delete()
        async with asyncio.timeout(PATIENCE):
            while not await self._created():  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        return gone

    async def _created(self) -> bool:
        topic = NewTopic(self._name, self.partitions, self._replication)
        future = self._admin.create_topics([topic])[self._name]
        try:
            await asyncio.to_thread(future.result)
        except KafkaException as error:
            return bool(error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS)
        return True

    def _describe(self) -> Any:  # noqa: ANN401 - confluent_kafka has no types
        future = self._admin.describe_topics(TopicCollection([self._name]))[self._name]
        try:
            return future.result()
        except KafkaException as error:
            if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                return None
            raise

    async def read(self) -> AsyncIterator[Entry]:
        """Read all records, from the first to what is the last one now."""
        async with AIOKafkaConsumer(bootstrap_servers=self._servers, auto_offset_reset="earliest") as consumer:
            partitions = [TopicPartition(self._name, index) for index in range(self.partitions)]
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            for partition in partitions:
                while await consumer.position(partition) < ends[partition]:
                    polled = await consumer.getmany(partition, timeout_ms=1000)
                    for record in polled.get(partition, []):
                        value = _decode(record.value)
                        headers = dict(record.headers)
                        yield Entry(
                            partition.partition,
                            record.offset,
                            value.student_id,
                            value.state,
                            headers["id"].decode(),
                            headers.get("traceparent", b"").decode()[3:35],
                            record.timestamp,
                        )


_decode = msgspec.json.Decoder(_Value).decode
