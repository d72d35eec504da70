import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import NamedTuple

from rollcall_consumer.errors import UnavailableError
from rollcall_consumer.runtime.effects.crew import Crew
from rollcall_consumer.runtime.effects.effect import Delivery, Effect, Handle, Terms
from rollcall_consumer.runtime.effects.lane import Entry, Lane, Stage
from rollcall_consumer.runtime.lease import Lease
from rollcall_consumer.runtime.throttle import Throttle
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.service.records import ForeignHeader
from rollcall_domain.topics import Topic
from support.services import PATIENCE


class Job(NamedTuple):
    offset: int
    timestamp: int = 0
    key: bytes | None = None
    value: bytes | None = b"job"
    headers: tuple[ForeignHeader, ...] = ()


class Owner:
    """Where lanes belong, of one record each."""

    def __init__(self) -> None:
        self.open = True
        self.done = asyncio.Event()

    def lane(self, number: int) -> Lane:
        lane = Lane(self, number)
        lane.entries.append(Entry(0, Job(number)))
        return lane

    def id_of(self, entry: Entry) -> str:
        return str(entry.record.offset)

    def begin(self, lane: Lane) -> None:
        pass

    def conclude(self, lane: Lane, fault: Exception | None, *, counts: bool) -> None:
        if fault is None:
            self.done.set()
        else:
            assert lane.owner is self
            assert counts


async def test_what_has_gone_elsewhere_does_not_hold_up_what_a_breaker_holds() -> None:
    async def handle(_: Delivery[bytes]) -> None:
        if not up.is_set():
            raise UnavailableError("nobody is there")

    @asynccontextmanager
    async def opened(_: ConsumerSettings) -> AsyncIterator[Handle[bytes]]:
        yield handle

    up, gone, here = asyncio.Event(), Owner(), Owner()
    effect = Effect(name="work", source=Topic("Jobs", {}), read=bytes, handler=opened)
    crew, lease = Crew(effect, Terms(lanes=1), handle, lambda _: "all"), Lease(PATIENCE)
    lease.renew(monotonic())
    crew.heed(Throttle(), lease)
    lanes = [*map(gone.lane, range(2000)), here.lane(0)]
    for lane in lanes:
        crew.enqueue(lane)
    while lanes[-1].stage is not Stage.HELD:  # noqa: ASYNC110 - it can only be asked
        await asyncio.sleep(0)
    gone.open = False
    up.set()
    async with asyncio.timeout(PATIENCE):
        await here.done.wait()
    await crew.close()
