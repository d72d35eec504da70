"""What each broker does for Rollcall, and whose end is the worst."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aiokafka.client import AIOKafkaClient, CoordinationType

from rollcall_consumer.pipelines import PIPELINES
from rollcall_consumer.runtime.transactor import transactional_id
from rollcall_consumer.settings import ConsumerSettings
from rollcall_dev.chaos.topic import Topic
from rollcall_dev.kafka import Broker, quorum
from rollcall_domain.service.connection import client_options
from rollcall_domain.topics import STUDENT


class Roles(NamedTuple):
    """What a broker does; the more of it, the worse is its end, and what comes first weighs most.

    Attributes:
        controller: Whether it leads the metadata: without it no partition gets a new leader, before it has a successor.
        leads: Partitions of `Student` that it leads.
        coordinates: Whether it coordinates the workers' group.
        transactions: Partitions of which it coordinates the transactions.
    """

    controller: bool
    leads: int
    coordinates: bool
    transactions: int

    def __str__(self) -> str:
        """Say it in words."""
        leads = ["the metadata"] * self.controller + [f"{self.leads} partitions of {STUDENT.name}"]
        coordinates = ["the group"] * self.coordinates + [f"the transactions of {self.transactions}"]
        return f"leads {' and '.join(leads)}, coordinates {' and '.join(coordinates)}"


def worst(roles: Mapping[int, Roles]) -> int:
    """Choose the broker whose end is the worst."""
    return max(roles, key=roles.__getitem__)


async def find(brokers: Sequence[Broker], settings: ConsumerSettings) -> dict[int, Roles]:
    """Find out what each broker does, by its id."""
    topic = Topic(settings.bootstrap_servers, settings.topic_name(STUDENT), settings.partitions, settings.replication)
    leads = Counter((await topic.leaders()).values())
    names = [transactional_id(settings, name, index) for name in PIPELINES for index in range(settings.partitions)]
    client = AIOKafkaClient(**client_options(settings, "rollcall-drill"))
    await client.bootstrap()
    try:
        group = await client.coordinator_lookup(CoordinationType.GROUP, settings.group_id)
        transactions = Counter([await client.coordinator_lookup(CoordinationType.TRANSACTION, name) for name in names])
    finally:
        await client.close()
    controller = quorum.leader(brokers)
    return {
        node: Roles(node == controller, leads[node], node == group, transactions[node])
        for node in (broker.config.node.id for broker in brokers)
    }
