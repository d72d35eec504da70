"""From the log into the file: every replica of the API reads all that the worker has derived, and goes on reading."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from time import monotonic

import structlog
from aiokafka import TopicPartition

from rollcall_domain.control import FIRST, Control, decode
from rollcall_domain.errors import RollcallError
from rollcall_domain.service.provision import count_partitions, ensure_topics
from rollcall_domain.service.source import FETCH_WAIT, Portion, Source
from rollcall_domain.topics import ACTIVITY, ALERTS, CONTROL, INBOX, STATE, Topic
from rollcall_producer.settings import ProducerSettings
from rollcall_producer.views.store import Load, Store

log = structlog.get_logger()

TABLES = (STATE, ACTIVITY)
"""Topics that each generation has for itself."""

PIECE = 256
"""Records that are decoded at a time."""

LOOK = 1.0
"""Seconds between looks for the topics of a generation that is being built."""

NOTING = 1.0
"""Seconds between notes in the file that it reflects all that there is."""

Threaded = Callable[[Callable[[], object]], Awaitable[object]]
"""Runs something where it may take its time."""


class ForeignError(RollcallError):
    """A file reflects more than there is in the log: its topics were made anew."""


class Feed:
    """Follows the log, from where the file ends.

    Args:
        settings: The service's settings.
        store: The file.
        source: Reads partitions.
        threaded: Runs what writes into the file.
        tell: Is told after each change of the file.
    """

    def __init__(
        self,
        settings: ProducerSettings,
        store: Store,
        source: Source,
        threaded: Threaded,
        tell: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._store = store
        self._source = source
        self._threaded = threaded
        self._tell = tell
        self._control = Control()
        self._control_partition = TopicPartition(settings.topic_name(CONTROL), 0)
        self._positions: dict[TopicPartition, int] = {}
        self._reading: dict[TopicPartition, tuple[Topic, int]] = {}
        self._targets: dict[TopicPartition, int] = {}
        self._serving: int | None = None
        self._awaited: int | None = None
        self._looked = 0.0
        self._noted = 0.0

    async def run(self) -> None:
        """Follow, for ever.

        Raises:
            ForeignError: The file is to be made anew.
            KafkaError: Kafka can't be used.
            sqlite3.Error: The file can't.
        """
        self._positions, self._serving = self._store.positions(), self._store.serving
        await self._read_orders()
        await self._provide()
        await self._turn_to(await self._generations())
        while True:
            await self._source.wait(FETCH_WAIT)
            told = await self._take()
            if told or self._is_time_to_look():
                await self._turn_to(await self._generations())
            await self._serve()
            await self._judge()

    async def _read_orders(self) -> None:
        """Take in all that operators have told the group so far."""
        bounds = await self._source.bounds([self._control_partition])
        _, end = bounds[self._control_partition]
        async for _, records in self._source.scan(bounds, PIECE):
            for record in records:
                self._order(record.value)
        self._positions[self._control_partition] = end

    def _order(self, value: bytes | None) -> None:
        order, generation = decode(value), self._control.generation
        if order is not None:
            self._control.apply(order)
        if self._control.generation != generation:  # all that it has by now is to be read before it is shown
            for topic in TABLES:
                for partition in self._partitions(topic, self._control.generation):
                    self._targets.pop(partition, None)

    async def _provide(self) -> None:
        """Make sure that there is something to read."""
        own = (*TABLES, INBOX) if self._control.generation == FIRST else ()
        await ensure_topics([*own, ALERTS], self._settings)

    async def _generations(self) -> list[int]:
        """Name the generations to read: the one that serves, and one that is built, once it has its topics."""
        self._looked, self._awaited = monotonic(), None
        control = self._control
        if control.building is None or control.building in {generation for _, generation in self._reading.values()}:
            return [control.generation, *([] if control.building is None else [control.building])]
        names = self._settings.names(control.building)
        found = [await count_partitions(names.topic_name(topic), self._settings) for topic in TABLES]
        if not all(found):
            self._awaited = control.building
            return [control.generation]
        return [control.generation, control.building]

    def _is_time_to_look(self) -> bool:
        return self._awaited is not None and monotonic() - self._looked > LOOK

    def _partitions(self, topic: Topic, generation: int) -> Iterator[TopicPartition]:
        name = self._settings.names(generation).topic_name(topic)
        return (TopicPartition(name, index) for index in range(self._settings.partitions))

    async def _turn_to(self, generations: Collection[int]) -> None:
        """Read these generations from now on, and what goes on in all of them."""
        serving = self._control.generation
        reading = dict.fromkeys(self._partitions(ALERTS, serving), (ALERTS, serving))
        for generation in generations:
            for topic in TABLES:
                reading |= dict.fromkeys(self._partitions(topic, generation), (topic, generation))
        await self._source.know([*{partition.topic for partition in reading}, self._control_partition.topic])
        await self._aim(reading)
        if reading.keys() == self._reading.keys():
            return
        await self._threaded(lambda: self._prepare(generations))
        self._reading = reading
        self._source.read({partition: self._positions[partition] for partition in (*reading, self._control_partition)})

    def _prepare(self, generations: Collection[int]) -> None:
        """See to the tables: those to be read have some, and those that nobody reads any more have none."""
        for generation in generations:
            self._store.prepare(generation)
        for generation in self._store.generations() - {*generations, self._serving}:
            names = self._settings.names(generation)
            self._store.remove(generation, [names.topic_name(topic) for topic in TABLES])

    async def _aim(self, partitions: Collection[TopicPartition]) -> None:
        """Find out where partitions begin and end that were not read yet."""
        new = [partition for partition in partitions if partition not in self._targets]
        for partition, (begin, end) in (await self._source.bounds(new)).items():
            position = self._positions.get(partition, 0)
            if position > end:
                raise ForeignError(f"{partition.topic} {partition.partition} ends at {end}, and was read to {position}")
            self._positions[partition] = max(begin, position)
            self._targets[partition] = end

    async def _take(self) -> bool:
        """Take in what has come; tells whether there was an order."""
        loads, told = [], False
        for portion in self._source.take():
            if portion.partition == self._control_partition:
                for piece in portion.pieces(PIECE):
                    for record in piece:
                        self._order(record.value)
                self._positions[portion.partition] = portion.next
                told = True
            else:
                loads.append(self._load(portion))
        if loads:
            await self._threaded(lambda: self._store.apply(loads))
            self._positions |= {load.partition: load.next for load in loads}
            self._tell()
        return told

    def _load(self, portion: Portion) -> Load:
        topic, generation = self._reading[portion.partition]
        return Load(portion.partition, topic, generation, portion.pieces(PIECE), portion.next)

    async def _serve(self) -> None:
        """Answer reads from the generation that serves, once all of it is there, and forget the one before."""
        generation = self._control.generation
        own = [partition for topic in TABLES for partition in self._partitions(topic, generation)]
        if generation == self._serving or not self._has(own):
            return
        await self._threaded(lambda: self._store.serve(generation))
        self._serving = generation
        log.info("The view shows a generation from now on", generation=generation)
        await self._threaded(
            lambda: self._prepare({topic_generation for _, topic_generation in self._reading.values()})
        )
        self._tell()

    async def _judge(self) -> None:
        """Note that the file reflects all that there is, if it does."""
        if self._serving != self._control.generation or not self._has(self._reading):
            return
        heard = min(map(self._source.heard, self._reading))
        if heard > self._noted + NOTING:
            self._noted = heard
            await self._threaded(lambda: self._store.note_current(heard))
            self._tell()

    def _has(self, partitions: Iterable[TopicPartition]) -> bool:
        """Tell whether the file reflects all of these partitions, as far as is known."""
        return all(
            self._positions[partition] >= max(self._targets[partition], self._source.end(partition) or 0)
            for partition in partitions
        )
