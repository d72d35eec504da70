"""A topic's records, read by plain aiokafka."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from confluent_kafka import Consumer
from confluent_kafka import TopicPartition as Place
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
)

PARTITIONS = 6


async def await_groups(servers: str) -> None:
    """Wait until groups are looked after: a new broker makes a topic for them when it is first asked for one."""
    async with AIOKafkaConsumer(bootstrap_servers=servers, group_id="nobody") as member:
        await member.committed(TopicPartition("nothing", 0))


async def create_topic(servers: str, topic: str, partitions: int) -> None:
    """Create a topic, as somebody else might have."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    try:
        await admin.start()
        await admin.create_topics([NewTopic(topic, partitions, 1)])
    finally:
        await admin.close()


async def delete_topic(servers: str, topic: str) -> None:
    """Delete a topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    try:
        await admin.start()
        await admin.delete_topics([topic])
    finally:
        await admin.close()


def delete_topics(servers: str, prefix: str) -> None:
    """Delete all topics whose names begin with a prefix."""
    client = AdminClient({"bootstrap.servers": servers})
    names = [name for name in client.list_topics(timeout=30).topics if name.startswith(prefix)]
    for done in (client.delete_topics(names) if names else {}).values():
        done.result()


async def recreate_topic(servers: str, topic: str, partitions: int) -> None:
    """Delete a topic, and create one of its name."""
    await delete_topic(servers, topic)
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    try:
        await admin.start()
        while topic in await admin.list_topics():  # noqa: ASYNC110 - metadata can only be asked for
            await asyncio.sleep(0.02)
        await admin.create_topics([NewTopic(topic, partitions, 1)])
    finally:
        await admin.close()


def configure_topic(servers: str, topic: str, name: str, value: str) -> None:
    """Change a setting of a topic, as an operator would."""
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
    client = AdminClient({"bootstrap.servers": servers})
    client.incremental_alter_configs([resource])[resource].result()


def delete_records(servers: str, topic: str, partition: int, before: int) -> None:
    """Delete the records of a partition that lie before an offset, as retention would."""
    client = AdminClient({"bootstrap.servers": servers})
    for done in client.delete_records([Place(topic, partition, before)]).values():
        done.result()


def topic_settings(servers: str, topic: str) -> tuple[int, dict[str, str]]:
    """Give a topic's number of partitions and all of its settings."""
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    client = AdminClient({"bootstrap.servers": servers})
    settings = client.describe_configs([resource])[resource].result()
    partitions = len(client.list_topics(topic, timeout=30).topics[topic].partitions)
    return partitions, {name: entry.value for name, entry in settings.items()}


def add_partitions(servers: str, topic: str, count: int) -> None:
    """Add partitions to a topic until it has as many, as an operator would."""
    client = AdminClient({"bootstrap.servers": servers})
    client.create_partitions([NewPartitions(topic, count)])[topic].result()


async def list_topics(servers: str) -> list[str]:
    """Name all topics."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    try:
        await admin.start()
        topics: list[str] = await admin.list_topics()
    finally:
        await admin.close()
    return topics


async def read_committed_offset(servers: str, group: str, topic: str, partition: int) -> int | None:
    """Read what a group has committed, once no transaction is open that commits something else."""

    def ask() -> int | None:
        client = Consumer({"bootstrap.servers": servers, "group.id": group, "isolation.level": "read_committed"})
        try:
            (found,) = client.committed([Place(topic, partition)], timeout=30)
        finally:
            client.close()
        return None if found.offset < 0 else int(found.offset)

    return await asyncio.to_thread(ask)


async def read_all(
    servers: str, topic: str, count: int = PARTITIONS, *, committed: bool = False
) -> list[ConsumerRecord[bytes | None, bytes | None]]:
    """Read all records that a topic holds, partition by partition; if wanted, only what is committed.

    A transaction takes effect a little after it is committed: those that are open are waited for.
    """
    partitions = [TopicPartition(topic, index) for index in range(count)]
    async with AIOKafkaConsumer(bootstrap_servers=servers) as consumer:
        ends = await consumer.end_offsets(partitions)
    async with AIOKafkaConsumer(
        bootstrap_servers=servers,
        auto_offset_reset="earliest",
        isolation_level="read_committed" if committed else "read_uncommitted",
    ) as consumer:
        consumer.assign(partitions)
        records: list[ConsumerRecord[bytes | None, bytes | None]] = []
        for partition in partitions:
            while await consumer.position(partition) < ends[partition]:
                polled = await consumer.getmany(partition, timeout_ms=1000)
                records += polled.get(partition, [])
        return records


async def write(
    servers: str, topic: str, records: Sequence[tuple[bytes | None, bytes | None]], partition: int | None = None
) -> None:
    """Write records, each with key and value, one after the other."""
    async with AIOKafkaProducer(bootstrap_servers=servers, acks="all") as client:
        for key, value in records:
            await client.send_and_wait(topic, value, key, partition)
