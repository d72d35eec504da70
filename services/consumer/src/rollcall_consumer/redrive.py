"""Dead letters on their way back: to the inbox of the pipeline that could not handle them, and to nobody else's.

A letter is sent back by the same transaction that notes beside it that it was. Whoever begins shuts out whoever has
sent letters of the same group back before, and then reads which ones are still there: so none is sent back twice.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence

import msgspec
from aiokafka import TopicPartition

from rollcall_consumer.dead import DeadLetterLog, Selection
from rollcall_consumer.errors import DoubtError
from rollcall_consumer.reporting import reporting
from rollcall_consumer.runtime.letters import Letter, note
from rollcall_consumer.runtime.orders import Orders, following
from rollcall_consumer.runtime.outbox import Outbox
from rollcall_consumer.runtime.pipeline import Pipeline
from rollcall_consumer.runtime.throttle import Throttle
from rollcall_consumer.runtime.transactor import Transactor, redrive_name
from rollcall_consumer.settings import ConsumerSettings, of_generation
from rollcall_consumer.working import HaltError
from rollcall_domain.service.provision import ensure_topics
from rollcall_domain.service.source import Source
from rollcall_domain.topics import DEAD_LETTERS

BATCH = 100
"""Letters that are sent back by one transaction at the most."""

BATCH_BYTES = 1024 * 1024
"""Bytes of them after which it holds no more."""

Watch = Callable[[int, int], None]
"""Is told how many letters are to be sent back, and how many of them are."""


class Report(msgspec.Struct, rename="pascal"):
    """What sending back has come to.

    Attributes:
        group: The consumer group.
        finished: Whether all letters were seen to.
        reason: Why not, for people.
        dry_run: Whether nothing was sent.
        seconds: How long it took.
        found: Letters that were wanted.
        sent: How many of them were sent back; in a dry run, how many would be.
        refused: How many were not, by why not.
        by_reason: Those sent, by why they could not be handled.
    """

    group: str
    finished: bool = False
    reason: str | None = None
    dry_run: bool = False
    seconds: float = 0.0
    found: int = 0
    sent: int = 0
    refused: Counter[str] = msgspec.field(default_factory=Counter)
    by_reason: Counter[str] = msgspec.field(default_factory=Counter)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent back, and how.

    Attributes:
        selection: Which letters.
        limit: How many at the most; None for all.
        rate: How many a second at the most; None for as many as can be.
        returns: How often a record may be sent back in all.
        dry_run: Whether nothing is to be sent.
    """

    selection: Selection
    limit: int | None = None
    rate: float | None = None
    returns: int = 3
    dry_run: bool = False


async def redrive(
    pipeline: Pipeline, settings: ConsumerSettings, plan: Plan, stopping: asyncio.Event, watch: Watch
) -> Report:
    """Send dead letters of a group back to its pipeline.

    Args:
        pipeline: The pipeline that could not handle them.
        settings: The service's settings.
        plan: What is to be sent back, and how.
        stopping: Is set when the run is to end before that.
        watch: Is told how it goes on.

    Returns:
        What has come of it, be it done or not.
    """
    settings = pipeline.settings(settings)
    report = Report(settings.owner, dry_run=plan.dry_run)
    with reporting(report, settings):
        try:
            async with following(settings) as orders, _run(pipeline, settings, orders, plan, report) as run:
                await run.redrive(stopping, watch)
        except DoubtError as error:
            raise HaltError(f"{error}; begin again: what was sent back is known") from error
        report.finished = True
    return report


@contextlib.asynccontextmanager
async def _run(
    pipeline: Pipeline, given: ConsumerSettings, orders: Orders, plan: Plan, report: Report
) -> AsyncIterator["_Run"]:
    """Shut out others who send back the same letters, and begin."""
    settings = of_generation(given, orders.control.generation)
    await ensure_topics([DEAD_LETTERS, pipeline.inbox], settings)
    topics = [settings.topic_name(topic) for topic in (DEAD_LETTERS, pipeline.inbox)]
    async with contextlib.AsyncExitStack() as stack:
        transactors = []
        for index in range(0 if plan.dry_run else settings.partitions):
            transactor = Transactor(settings, redrive_name(pipeline.name), index, topics)
            stack.push_async_callback(transactor.close)
            transactors.append(transactor)
        await asyncio.gather(*(transactor.start() for transactor in transactors))
        source = await stack.enter_async_context(Source(settings, redrive_name(pipeline.name), topics))
        await orders.catch_up()  # whoever has another generation take over has shut us out, or we see that now
        if not orders.control.serves(settings.generation):
            raise HaltError("another generation is about to take over; begin again")
        yield _Run(DeadLetterLog(settings, source), topics, transactors, plan, report)


class _Run:
    """Letters are sent back, partition by partition."""

    def __init__(
        self,
        letters: DeadLetterLog,
        topics: Sequence[str],
        transactors: Sequence[Transactor],
        plan: Plan,
        report: Report,
    ) -> None:
        self._letters = letters
        self._dead, self._inbox = topics
        self._transactors = transactors
        self._plan = plan
        self._report = report
        self._throttle = Throttle()
        self._throttle.set(plan.rate)
        self._batch = Outbox()
        self._batched: list[Letter] = []
        self._bytes = 0

    async def redrive(self, stopping: asyncio.Event, watch: Watch) -> None:
        """Send all of them back."""
        found = await self._letters.find(self._plan.selection)
        self._report.found = found.count
        total = found.count if self._plan.limit is None else min(found.count, self._plan.limit)
        watch(total, 0)
        left = total
        for index, offsets in found.wanted.items():
            wanted = offsets[:left]
            left -= len(wanted)
            async for letter in self._letters.read(index, wanted):
                if self._may_return(letter):
                    await self._add(letter)
                watch(total, self._report.sent + self._report.refused.total())
                if stopping.is_set():
                    raise HaltError("interrupted; begin again: what was sent back is known")
            await self._send()
            watch(total, self._report.sent + self._report.refused.total())

    def _may_return(self, letter: Letter) -> bool:
        if letter.returns >= self._plan.returns:
            self._report.refused["returned too often"] += 1
        elif letter.why.truncated_from is not msgspec.UNSET:
            self._report.refused["cut short"] += 1
        else:
            return True
        return False

    async def _add(self, letter: Letter) -> None:
        """Add a letter to what is sent next, and send that if it is enough."""
        inbox = TopicPartition(self._inbox, letter.partition)
        self._batch.add(inbox, letter.timestamp, letter.key, letter.value, letter.returned_headers(self._dead))
        self._batch.add(
            TopicPartition(self._dead, letter.partition), letter.timestamp, letter.key, None, note(letter.offset)
        )
        self._batched.append(letter)
        self._bytes += len(letter.value or b"")
        if len(self._batched) >= self._size or self._bytes >= BATCH_BYTES:
            await self._send()

    @property
    def _size(self) -> int:
        return BATCH if self._plan.rate is None else max(1, min(BATCH, int(self._plan.rate / 10)))

    async def _send(self) -> None:
        """Send what was added, at once or not at all."""
        batch, letters = self._batch, self._batched
        self._batch, self._batched, self._bytes = Outbox(), [], 0
        if not letters:
            return
        if not self._plan.dry_run:
            self._throttle.give_back(await self._throttle.grant(), len(letters))
            await self._transactors[letters[0].partition].commit(batch, {})
        self._report.sent += len(letters)
        self._report.by_reason.update(letter.why.reason.value for letter in letters)
