"""Which generation of what the group derives serves, and how its states go on in the next one."""

from collections.abc import Iterable, Sequence

from rollcall_domain.control import FIRST, Control, decode
from rollcall_domain.service.provision import count_partitions, ensure_topics
from rollcall_domain.service.records import Record
from rollcall_domain.service.source import Source
from rollcall_domain.topics import ALERTS, STATE, STUDENT
from rollcall_producer.past.archive import Archive
from rollcall_producer.settings import ProducerSettings
from rollcall_producer.stream.layout import Layout
from rollcall_producer.stream.position import Position

_PIECE = 100


class Generations:
    """The generations, as far as operators have told of them.

    Args:
        settings: The service's settings.
        layout: The partitions of the stream.
        archive: The log.

    Attributes:
        control: What operators have told so far.
        offset: Where what they tell goes on.
    """

    def __init__(self, settings: ProducerSettings, layout: Layout, archive: Archive) -> None:
        self.control = Control()
        self.offset = 0
        self._settings = settings
        self._layout = layout
        self._archive = archive

    async def catch_up(self, source: Source) -> None:
        """Read all that operators have told so far, and make sure that there is what the stream reads.

        Raises:
            KafkaError: Kafka can't be reached, or refuses.
            TopicMismatchError: A topic is not laid out as declared.
        """
        control = self._layout.control
        _, end = (await source.bounds([control]))[control]
        async for _, records in source.scan({control: (self.offset, end)}, _PIECE):
            self.take(records)
        own = [STATE] if self.control.generation == FIRST else []
        await ensure_topics([STUDENT, *own, ALERTS], self._settings)

    def take(self, records: Iterable[Record]) -> None:
        """Take in what operators tell, in order."""
        for record in records:
            order = decode(record.value)
            if order is not None:
                self.control.apply(order)
            self.offset = record.offset + 1

    async def ends(self, generation: int) -> Sequence[int] | None:
        """Find out where the states of a generation end; None if they are gone.

        Raises:
            KafkaError: Kafka can't be reached, or refuses.
            UnreadableLogError: There is no connection to Kafka yet.
        """
        places = self._layout.states(generation)
        if not await count_partitions(places[0].topic, self._settings):
            return None
        return await self._archive.ends(places)

    async def cross(self, position: Position) -> Position | None:
        """Give the place at which who has read all states of a generation goes on; None if it serves.

        Where it was not told where the news of the next one begin, they begin where its states end now.

        Raises:
            KafkaError: Kafka can't be reached, or refuses.
            UnreadableLogError: There is no connection to Kafka yet.
        """
        following = self.control.following(position.generation)
        if following is None:
            return None
        begins = self.control.served[following].get(STATE.name, ())
        if len(begins) != self._layout.partitions:
            begins = await self.ends(following) or [0] * self._layout.partitions
        return position.with_states(following, begins)
