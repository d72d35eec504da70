"""An effect of a test's own, whose calls can be watched and held up."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType

import msgspec
from aiokafka import AIOKafkaProducer

from rollcall_consumer.runtime.effects.effect import Delivery, Handle, Terms
from rollcall_consumer.runtime.effects.parking import Parked, decode
from rollcall_consumer.runtime.effects.pipeline import EffectPipeline
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.errors import Reason, UnreadableRecordError
from rollcall_domain.topics import DEAD_LETTERS, PARKED, Topic
from support.folds import Line, Written
from support.services import PATIENCE, Environment

JOBS = Topic("Jobs", {})

QUICK = Terms(first_pause=0.01, longest_pause=0.02, tries=3, grace=0.3)
"""Terms on which a test has not to wait for long."""


def read(value: bytes) -> str:
    """Read a job: any text but one."""
    if value == b"unreadable":
        raise UnreadableRecordError(Reason.NOT_JSON, "by intent")
    return value.decode()


class Handler:
    """A handler that does nothing, or what it is told to.

    Args:
        act: Is called with each delivery, and may hold it up, or fail.

    Attributes:
        begun: The event of each call so far.
        done: The event of each that has come to a good end.
        cut: The event of each that was cancelled.
        deliveries: Each call, whole.
    """

    def __init__(self, act: Callable[[Delivery[str]], Awaitable[None]] | None = None) -> None:
        self.begun: list[str] = []
        self.done: list[str] = []
        self.cut: list[str] = []
        self.deliveries: list[Delivery[str]] = []
        self._act = act
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def opened(self, _: ConsumerSettings) -> AsyncIterator[Handle[str]]:
        """Give the handler."""
        yield self._handle

    async def _handle(self, delivery: Delivery[str]) -> None:
        self.begun.append(delivery.event)
        self.deliveries.append(delivery)
        await self._tell()
        try:
            if self._act is not None:
                await self._act(delivery)
        except asyncio.CancelledError:
            self.cut.append(delivery.event)
            raise
        self.done.append(delivery.event)
        await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds that calls bring about."""
        try:
            async with asyncio.timeout(PATIENCE), self._changed:
                await self._changed.wait_for(holds)
        except TimeoutError:
            raise AssertionError(f"it did not come to that; begun: {self.begun}; done: {self.done}") from None

    async def finished(self, count: int) -> None:
        """Wait until so many calls have come to a good end."""
        await self.until(lambda: len(self.done) >= count)


def effect(handler: Handler, **changes: object) -> EffectPipeline[str]:
    """Make the pipeline, on quick terms of which some may be changed. What an event takes is its first word."""
    return EffectPipeline(
        name="work",
        source=JOBS,
        read=read,
        handler=handler.opened,
        terms=msgspec.structs.replace(QUICK, **changes),
        target=lambda _: lambda event: event.split()[0],
    )


async def line(
    environment: Environment,
    handler: Handler,
    *jobs: tuple[str, str],
    settings: Mapping[str, object] = MappingProxyType({}),
    **changes: object,
) -> Line:
    """Have an effect with topics of its own, and jobs on partition 0: the key and the text of each.

    Args:
        environment: Where.
        handler: The handler.
        jobs: The jobs.
        settings: Further settings of the worker.
        changes: What is changed of the terms.
    """
    made = await Line(environment, effect(handler, **changes), **settings).create()
    await write(made, *jobs)
    return made


async def write(to: Line, *jobs: tuple[str, str], partition: int = 0) -> None:
    """Write jobs: the key and the text of each."""
    async with AIOKafkaProducer(bootstrap_servers=to.servers, acks="all") as client:
        sent = [
            await client.send(to.name(JOBS), text.encode(), key.encode(), partition=partition) for key, text in jobs
        ]
        await asyncio.gather(*sent)


async def dead(made: Line) -> list[Written]:
    """Read the dead letters."""
    return await made.records(DEAD_LETTERS)


async def until_dead(made: Line, count: int) -> list[Written]:
    """Wait until there are so many dead letters."""
    async with asyncio.timeout(PATIENCE):
        while len(letters := await dead(made)) < count:  # noqa: ASYNC110 - a log can only be asked
            await asyncio.sleep(0.02)
    return letters


async def parked(made: Line) -> dict[str, Parked]:
    """Read which records are parked, by their places."""
    known: dict[str, bytes | None] = {}
    for record in await made.records(PARKED):
        known[(record.key or b"").decode()] = record.value
    return {place: decode(value) for place, value in known.items() if value is not None}


async def until_parked(made: Line, *tries: int) -> dict[str, Parked]:
    """Wait until as many records are parked as numbers are given, after so many tries each."""
    known = await parked(made)
    async with asyncio.timeout(PATIENCE):
        while sorted(each.tries for each in known.values()) != sorted(tries):
            await asyncio.sleep(0.02)
            known = await parked(made)
    return known
