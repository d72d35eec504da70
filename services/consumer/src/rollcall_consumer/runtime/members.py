"""Who is a member of a group, as Kafka knows it."""

from typing import Self

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.service.connection import client_options

_MEMBERS = 5
"""The place of the members in what Kafka says of a group."""


class Members:
    """The members of a group.

    Args:
        settings: The settings of the group's service.
    """

    def __init__(self, settings: ConsumerSettings) -> None:
        self._group = settings.group_id
        self._admin = AIOKafkaAdminClient(**client_options(settings, "rollcall-observer"))

    async def __aenter__(self) -> Self:
        await self._admin.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._admin.close()

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
