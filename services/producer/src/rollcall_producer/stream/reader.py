"""The one reader that all share who watch what happens, for as long as anybody does."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from time import time

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from rollcall_domain.errors import RollcallError
from rollcall_domain.service.cause import explain, is_denial
from rollcall_domain.service.connection import REFUSED_BACKOFF, persist
from rollcall_domain.service.provision import ensure_topics
from rollcall_domain.service.source import Portion, Source
from rollcall_domain.topics import CONTROL
from rollcall_producer.settings import ProducerSettings
from rollcall_producer.stream.generations import Generations
from rollcall_producer.stream.layout import Layout
from rollcall_producer.stream.live import Live
from rollcall_producer.stream.position import Position
from rollcall_producer.stream.share import Share
from rollcall_producer.stream.told import tell

log = structlog.get_logger()

AGO = 60.0
"""Seconds before now at which it begins: who was here just before goes on from what it has read."""

MOST = 1000
"""Records of a partition that lie before now, at the most: who comes first has to wait for them."""

POLL = 1.0
"""Seconds to wait for records."""

PIECE = 64
"""Records that are taken in without giving way to other tasks."""

BACKOFF = 0.5
"""Seconds before all is begun anew."""

GONE = "some of what comes next is gone from the topic {}, and left out"
"""Said where records were not kept for as long as nobody has read them."""


class Reader:
    """Reads what happens, and goes on where it was once Kafka is back.

    Args:
        settings: The service's settings.
        layout: The partitions of the stream.
        generations: Which generation serves.
        live: Takes in what is read.
        share: The share of the time that reading takes.
    """

    def __init__(
        self, settings: ProducerSettings, layout: Layout, generations: Generations, live: Live, share: Share
    ) -> None:
        self._settings = settings
        self._layout = layout
        self._generations = generations
        self._live = live
        self._share = share
        self._indexes: dict[TopicPartition, int] = {}

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            try:
                async with AsyncExitStack() as stack:
                    source = await persist(partial(self._connect, stack), self._settings)
                    await self._follow(source)
            except (KafkaError, OSError, TimeoutError, RollcallError) as error:
                log.warning("The stream stands still", reason=explain(error))
                await asyncio.sleep(REFUSED_BACKOFF if is_denial(error) else BACKOFF)

    async def _connect(self, stack: AsyncExitStack) -> Source:
        await ensure_topics([CONTROL], self._settings)
        async with AsyncExitStack() as own:
            source = await own.enter_async_context(Source(self._settings, "stream", [self._layout.control.topic]))
            await self._generations.catch_up(source)
            if not self._live.has_begun:
                generation = self._generations.control.generation
                await source.know(self._layout.names(generation))
                self._live.begin(*await self._find_begin(source, generation))
            stack.push_async_callback(own.pop_all().aclose)
            return source

    async def _find_begin(self, source: Source, generation: int) -> tuple[Position, Position]:
        """Find a place not long ago, and where the log ends."""
        places = self._layout.places(generation)
        bounds = await source.bounds(places)
        found = await source.find(places, int((time() - AGO) * 1000))
        ends = [bounds[place][1] for place in places]
        begins = [
            min(end, max(bounds[place][0], end - MOST, found.get(place, end)))
            for place, end in zip(places, ends, strict=True)
        ]
        return Position(generation, tuple(begins)), Position(generation, tuple(ends))

    async def _follow(self, source: Source) -> None:
        """Read one generation after the other."""
        while True:
            head, control = self._live.ring.head, self._layout.control
            places = self._layout.places(head.generation)
            self._indexes = {place: index for index, place in enumerate(places)}
            await source.know([*self._layout.names(head.generation), control.topic])
            source.read({**dict(zip(places, head.offsets, strict=True)), control: self._generations.offset})
            await self._read(source, head.generation)

    async def _read(self, source: Source, generation: int) -> None:
        """Read for as long as a generation serves, and to the end of what it has."""
        last: Sequence[int] | None = None
        while True:
            await source.wait(POLL)
            try:
                for portion in source.take():
                    await self._take(portion)
            except OffsetOutOfRangeError as error:
                await self._jump(source, error)
                return
            self._live.note()
            if self._generations.control.following(generation) is not None:
                if last is None:
                    last = await self._generations.ends(generation) or ()
                if await self._turn(last):
                    return

    async def _take(self, portion: Portion) -> None:
        if portion.partition == self._layout.control:
            for records in portion.pieces(PIECE):
                self._generations.take(records)
            return
        index, live = self._indexes[portion.partition], self._live
        for records in portion.pieces(PIECE):
            await live.audience.room()
            async with self._share.slice():
                for record in records:
                    live.add(tell(index, self._layout.partitions, record), index, record.offset + 1)
        live.ring.head.move(index, portion.next)

    async def _turn(self, last: Sequence[int]) -> bool:
        """Go on with the next generation's states, if all are read of the one before, up to these offsets."""
        position = self._live.ring.head.position
        if any(offset < end for offset, end in zip(position.offsets[position.states], last, strict=False)):
            return False
        crossed = await self._generations.cross(position)
        assert crossed is not None  # noqa: S101 - another one serves
        self._live.turn(crossed.generation, crossed.offsets[crossed.states])
        log.info("The stream goes on with another generation", generation=crossed.generation)
        return True

    async def _jump(self, source: Source, error: OffsetOutOfRangeError) -> None:
        """Go on with the first record that there is, where those that come next are gone; or else with the next one."""
        for partition, offset in error.args[0].items():
            begin, end = (await source.bounds([partition]))[partition]
            found = begin if offset < begin else end
            log.warning("Records are gone", topic=partition.topic, partition=partition.partition, before=found)
            if partition == self._layout.control:
                self._generations.offset = found
            else:
                self._live.jump(self._indexes[partition], found, GONE.format(partition.topic))
