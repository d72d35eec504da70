"""What a consumer group derives, by its names: each generation of it has topics of its own."""

import msgspec

from rollcall_domain.control import FIRST
from rollcall_domain.topics import CONTROL, Topic

GROUP = "1"
"""The consumer group by default: that of the .NET consumer."""


class Generation(msgspec.Struct, frozen=True):
    """A generation of what a consumer group derives.

    Attributes:
        prefix: What is put before all names, so that environments can share a cluster.
        group: The consumer group.
        number: Which generation, from 1 on.
        building: Whether it is only being built: then its topics that go on in all generations are its own as well.
        pipeline: Which of the pipelines that react to what the group derives, each of which is a group of its own.
            Empty for the one that derives it.
    """

    prefix: str
    group: str = GROUP
    number: int = FIRST
    building: bool = False
    pipeline: str = ""

    @property
    def owner(self) -> str:
        """The pipeline's group by its full name, whatever generation it works on."""
        return f"{self._deriver}.{self.pipeline}" if self.pipeline else self._deriver

    @property
    def _deriver(self) -> str:
        return self.prefix + self.group

    @property
    def group_id(self) -> str:
        """The group as Kafka knows it: environments that share a cluster share no group, and generations none."""
        return self.owner + self._suffix

    @property
    def _suffix(self) -> str:
        return "" if self.number == FIRST else f".gen{self.number}"

    def topic_name(self, topic: Topic) -> str:
        """Name a topic in full: with the group's name, if it is its own, and the generation, if each has its own.

        What the default group derives does not have its name. Pipelines that react to it have inboxes and the like of
        their own.
        """
        apart = topic.lasting and self.building
        owner = self.owner if topic.internal else self._deriver
        owned = apart or (topic.derived and owner != self.prefix + GROUP)
        each = apart or (topic.derived and not topic.lasting and topic is not CONTROL)
        name = f"{owner}.{topic.name}" if owned else f"{self.prefix}{topic.name}"
        return name + self._suffix if each else name
