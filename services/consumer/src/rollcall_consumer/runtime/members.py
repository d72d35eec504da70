"""Who is a member of a group, as Kafka knows it."""

import contextlib
from collections.abc import AsyncIterator

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.service.connection import administering

_MEMBERS = 5
"""The place of the members in what Kafka says of a group."""


@contextlib.asynccontextmanager
async def members(settings: ConsumerSettings) -> AsyncIterator["Members"]:
    """Ask for the members of a group while the body runs.

    Raises:
        KafkaError: Kafka can't be reached, or refuses.
        TimeoutError: Kafka does not answer.
    """
    async with administering(settings, "rollcall-observer") as admin:
        yield Members(admin, settings.group_id)


class Members:
    """The members of a group.

    Args:
        admin: Asks.
        group: The group's id in Kafka.
    """

    def __init__(self, admin: AIOKafkaAdminClient, group: str) -> None:
        self._admin = admin
        self._group = group

    async def count(self) -> int:
        """Count them, those included that hold no partition.

        Raises:
            KafkaError: Kafka can't be reached, or refuses.
        """
        (response,) = await self._admin.describe_consumer_groups([self._group])
        return sum(len(group[_MEMBERS]) for group in response.groups)

    async def holders(self) -> dict[int, str]:
        """Tell for each index of partitions which member holds it, and where that is."""
        (response,) = await self._admin.describe_consumer_groups([self._group])
        held = {}
        for group in response.groups:
            for member, _, host, _, assignment in group[_MEMBERS]:
                for partition in _assigned(assignment):
                    held[partition.partition] = f"{member} at {host.removeprefix('/')}"
        return held


def _assigned(assignment: bytes) -> list[TopicPartition]:
    if not assignment:
        return []
    partitions: list[TopicPartition] = ConsumerProtocolMemberAssignment.decode(assignment).partitions()
    return partitions
