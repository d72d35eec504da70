"""The partitions of the stream: which they are, and in which order a position counts them."""

from aiokafka import TopicPartition

from rollcall_domain.topics import ALERTS, CONTROL, STATE, STUDENT
from rollcall_producer.settings import ProducerSettings

TOPICS = (STUDENT, STATE, ALERTS)


class Layout:
    """The partitions of the stream.

    Args:
        settings: The service's settings.

    Attributes:
        partitions: How many each topic has.
        control: Where operators tell the group which generation serves.
    """

    def __init__(self, settings: ProducerSettings) -> None:
        self.partitions = settings.partitions
        self.control = TopicPartition(settings.topic_name(CONTROL), 0)
        self._settings = settings

    def names(self, generation: int) -> list[str]:
        """Name the topics in full, as a generation has them."""
        names = self._settings.names(generation)
        return [names.topic_name(topic) for topic in TOPICS]

    def places(self, generation: int) -> list[TopicPartition]:
        """Give all partitions, in the order of a position's offsets."""
        return [TopicPartition(name, index) for name in self.names(generation) for index in range(self.partitions)]

    def states(self, generation: int) -> list[TopicPartition]:
        """Give those of them that are a generation's own."""
        return self.places(generation)[self.partitions : 2 * self.partitions]
