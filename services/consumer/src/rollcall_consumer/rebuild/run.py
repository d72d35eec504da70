"""A generation is built, and takes over: step by step, each of them an order that all replicas see.

While it is built, the one that serves goes on. Then all replicas stop; whoever has not is shut out; what is left to be
handled is; and the new generation serves, with which the replicas go on. An order that comes too late, because replicas
would not wait any longer, changes nothing.

The new generation never handles what the one that serves has not: as it takes over, both have handled the same. So all
that is in its tables by then is known to who has read those of the earlier one, and all that comes later is news.
"""

import asyncio
from collections.abc import Callable, Mapping
from itertools import chain
from time import monotonic

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata
from msgspec import UNSET, UnsetType

from rollcall_consumer.rebuild.compare import compare
from rollcall_consumer.rebuild.publish import publish
from rollcall_consumer.rebuild.report import Report
from rollcall_consumer.runtime.flow import inputs
from rollcall_consumer.runtime.folds.pipeline import FoldPipeline
from rollcall_consumer.runtime.members import members
from rollcall_consumer.runtime.orders import Orders
from rollcall_consumer.runtime.transactor import Transactor, redrive_name
from rollcall_consumer.settings import ConsumerSettings, GenerationSettings, of_generation
from rollcall_consumer.working import HaltError, working
from rollcall_domain.control import SetGeneration, Step
from rollcall_domain.place import Edge, Place
from rollcall_domain.service.group import Look, look, observing
from rollcall_domain.service.provision import ensure_topics

LOOK = 0.2
"""Seconds between looks at how far things have come."""

NEAR = 2000
"""Records that may be left to be handled while nothing else is: some tenths of a second's work."""

EMPTY_LIMIT = 8.0
"""Seconds that replicas get to leave; whoever has not by then is shut out."""

Watch = Callable[[int, int], None]
"""Is told how many records there are to be handled, and how many of them are."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a generation is to be built.

    Attributes:
        begin: Where in the source to begin.
        rate: How many records a second at the most; 0 for any.
        dry_run: Whether it is to be built and compared, and not to take over.
    """

    begin: Place = Edge.BEGINNING
    rate: float = 0
    dry_run: bool = False


class Rebuild:
    """One run, which goes on with a generation that an earlier one has begun to build.

    Args:
        pipeline: What is derived.
        settings: The service's settings.
        orders: The orders that were given to the group.
        report: Is filled in.
    """

    def __init__(self, pipeline: FoldPipeline, settings: ConsumerSettings, orders: Orders, report: Report) -> None:
        self._pipeline = pipeline
        self._settings = settings
        self._orders = orders
        self._report = report
        self._source = settings.topic_name(pipeline.source)
        self._ends: dict[TopicPartition, int] = {}

    async def run(self, plan: Plan, stopping: asyncio.Event, watch: Watch) -> None:
        """Build a generation, and have it take over.

        Raises:
            HaltError: It did not come to that.
            KafkaError: Kafka can't be reached, or refuses.
            DoubtError: It is not known what has become of a transaction.
        """
        begun, control = monotonic(), self._orders.control
        await publish(self._pipeline, self._settings, control.generation)  # what an earlier run has left
        old, new = await self._begin(plan)
        async with observing(old, old.group_id) as old_view, observing(new, new.group_id) as new_view:
            await self._place(new_view, new, plan.begin)
            self._ends.update((await self._look(old_view)).done)
            async with working(self._pipeline, new, self._ends, stopping) as (worker, alive):

                def check() -> None:
                    alive()
                    if worker.faults:
                        raise HaltError("; ".join(worker.faults.values()))

                await self._catch_up(old_view, new_view, check, watch)
                self._report.built_seconds = round(monotonic() - begun, 3)
                still = monotonic()
                if not plan.dry_run:
                    await self._hold(old, new.generation)
                old_ends = await self._table_ends(old_view, old)  # in a dry run it goes on from there
                await self._finish(new_view, new, await self._look(old_view), check)
                if not plan.dry_run:
                    await self._order(new.generation, Step.SEAL)
            if not plan.dry_run:
                await self._shut_out(new)
            new_ends = await self._table_ends(new_view, new)
            if not plan.dry_run:
                await self._order(new.generation, Step.SWITCH, new_ends)
                if control.generation != new.generation:
                    raise HaltError("replicas have not waited for so long, and go on as before; begin again")
                self._report.switched = True
                self._report.still_seconds = round(monotonic() - still, 3)
                self._report.streams = await publish(self._pipeline, self._settings, new.generation)
        self._report.tables = await compare(self._pipeline, old, new, old_ends, new_ends)

    async def _begin(self, plan: Plan) -> tuple[GenerationSettings, GenerationSettings]:
        """Give the settings of the generation that serves, and of the one to build, which has its topics then."""
        control = self._orders.control
        if control.building is None:
            await self._order(control.last + 1, Step.BUILD)
        if control.building is None:
            raise HaltError("somebody else has begun to build another generation")
        self._report.generation = control.building
        old = of_generation(self._settings, control.generation)
        settings = msgspec.structs.replace(self._settings, rate=plan.rate)
        new = of_generation(settings, control.building, building=True)
        async with members(new) as builders:
            if await builders.count():
                raise HaltError(f"somebody else is building generation {new.generation}")
        await ensure_topics(self._pipeline.topics, new)
        return old, new

    async def _place(self, view: AIOKafkaConsumer, new: GenerationSettings, begin: Place) -> None:
        """Have the new group begin at a place, if it has not begun yet."""
        if begin is Edge.BEGINNING:
            return
        partitions = [TopicPartition(self._source, index) for index in range(new.partitions)]
        offsets = await view.end_offsets(partitions)
        if not isinstance(begin, Edge):
            found = await view.offsets_for_times(dict.fromkeys(partitions, int(begin.timestamp() * 1000)))
            offsets |= {partition: first.offset for partition, first in found.items() if first is not None}
        view.assign(partitions)
        for partition, offset in offsets.items():
            if await view.committed(partition) is None:
                await view.commit({partition: OffsetAndMetadata(offset, "")})

    async def _look(self, view: AIOKafkaConsumer) -> Look:
        return await look(view, [TopicPartition(self._source, index) for index in range(self._settings.partitions)])

    async def _catch_up(
        self, old_view: AIOKafkaConsumer, new_view: AIOKafkaConsumer, check: Callable[[], None], watch: Watch
    ) -> None:
        """Wait until the new generation has come nearly as far as the old one."""
        total: int | None = None
        before: Mapping[TopicPartition, int] = self._ends
        while True:
            check()
            new, old = (await self._look(new_view)).done, (await self._look(old_view)).done
            left = _distance(new, old)
            total = max(total or 0, left)
            watch(total, total - left)
            if left <= max(NEAR, _distance(before, old)):  # nearer than what is handled meanwhile it will not come
                return
            before = old
            if _distance(new, self._ends) <= NEAR:
                self._ends.update(old)
            await asyncio.sleep(LOOK)

    async def _hold(self, old: GenerationSettings, generation: int) -> None:
        """Have replicas stop."""
        await self._order(generation, Step.HOLD)
        async with members(old) as replicas:
            begun = monotonic()
            while await replicas.count() and monotonic() - begun < EMPTY_LIMIT:  # noqa: ASYNC110 - can only be asked
                await asyncio.sleep(LOOK)
        await self._shut_out(old)

    async def _shut_out(self, settings: GenerationSettings) -> None:
        """Shut out who still works on a generation: what they have begun is undone, and they commit nothing more."""

        async def shut_out(name: str, index: int) -> None:
            transactor = Transactor(settings, name, index)
            await transactor.start()
            await transactor.close()

        names = (self._pipeline.name, redrive_name(self._pipeline.name))
        await asyncio.gather(*(shut_out(name, index) for name in names for index in range(settings.partitions)))

    async def _finish(
        self, view: AIOKafkaConsumer, new: GenerationSettings, done: Look, check: Callable[[], None]
    ) -> None:
        """Wait until all is handled that the old generation has, and what that has led to in the inbox."""
        self._ends.update(done.done)
        ends = dict(done.done)
        for _ in range(2):
            while True:
                check()
                reached = await look(view, inputs(self._pipeline, new))
                if all(reached.done[partition] >= end for partition, end in ends.items()):
                    break
                await asyncio.sleep(LOOK / 4)
            ends = {partition: end for partition, end in reached.ends.items() if partition.topic != self._source}

    async def _table_ends(self, view: AIOKafkaConsumer, new: GenerationSettings) -> dict[str, list[int]]:
        """Find out where tables end on which nobody works any more."""
        places = {
            topic.name: [TopicPartition(new.topic_name(topic), index) for index in range(new.partitions)]
            for topic in self._pipeline.tables
        }
        ends = await view.end_offsets(list(chain.from_iterable(places.values())))
        return {name: [ends[partition] for partition in partitions] for name, partitions in places.items()}

    async def _order(self, generation: int, step: Step, begins: dict[str, list[int]] | UnsetType = UNSET) -> None:
        await self._orders.give(SetGeneration(generation, step, begins))


def _distance(done: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]) -> int:
    """Count the records from where somebody has come to the ends."""
    return sum(max(0, end - done[partition]) for partition, end in ends.items())
