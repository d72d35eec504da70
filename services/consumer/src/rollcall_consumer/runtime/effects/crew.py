"""The crew of a replica: so many hands at a time, each of which handles the first record of some lane."""

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import count
from time import monotonic
from typing import Generic, TypeVar

import structlog

from rollcall_consumer import metrics
from rollcall_consumer.errors import PermanentError, UnavailableError
from rollcall_consumer.runtime.effects.breaker import Breaker, Token
from rollcall_consumer.runtime.effects.effect import Delivery, Effect, Handle, Terms
from rollcall_consumer.runtime.effects.lane import Lane, Stage
from rollcall_consumer.runtime.effects.parking import describe
from rollcall_consumer.runtime.lease import Lease
from rollcall_consumer.runtime.throttle import Throttle
from rollcall_domain.errors import RollcallError

TURNS = 50
"""Records that a hand handles at a time without giving way, even if no handler does."""

T = TypeVar("T")

log = structlog.get_logger()


class SlowError(UnavailableError):
    """A try that has taken longer than it may."""


class CancelError(RollcallError):
    """A try that something within the handler has cancelled, and nobody here."""


class Crew(Generic[T]):
    """The hands of a replica, for as long as its process lives.

    Args:
        effect: What is done.
        terms: On what terms.
        handle: The handler.
        target: Tells what an event takes.

    Attributes:
        fault: What has broken it, if something has: it is a fault in here.
    """

    def __init__(self, effect: Effect[T], terms: Terms, handle: Handle[T], target: Callable[[T], str]) -> None:
        self.fault: BaseException | None = None
        self._name = effect.name
        self._read = effect.read
        self._terms = terms
        self._handle = handle
        self._target = target
        self._ready: deque[Lane] = deque()
        self._hands: set[asyncio.Task[None]] = set()
        self._looking = 0
        self._breakers: dict[str, tuple[Breaker, deque[Lane]]] = {}
        self._throttle = Throttle()
        self._lease = Lease(0.0)
        self._granted = 0
        self._granting = asyncio.Lock()

    @property
    def open_breakers(self) -> dict[str, float]:
        """For how many seconds each breaker has been open that is."""
        now = monotonic()
        return {
            target: now - breaker.opened
            for target, (breaker, _) in self._breakers.items()
            if breaker.opened is not None
        }

    def heed(self, throttle: Throttle, lease: Lease) -> None:
        """Go no faster than this throttle allows from now on, and begin nothing but during this lease."""
        self._throttle = throttle
        before, self._lease = self._lease, lease
        before.end()

    def enqueue(self, lane: Lane) -> None:
        """Have the first record of a lane handled as soon as there is a hand for it."""
        lane.stage = Stage.READY
        self._ready.append(lane)
        self._engage()

    def _engage(self) -> None:
        """Have one more hand, if no other is about to look for the next lane by itself."""
        if self._ready and not self._looking and len(self._hands) < self._terms.lanes:
            self._looking += 1
            hand = asyncio.create_task(self._work(), name=f"{self._name}-hand")
            self._hands.add(hand)
            hand.add_done_callback(self._leave)

    def _leave(self, hand: asyncio.Task[None]) -> None:
        self._hands.discard(hand)
        if not hand.cancelled() and hand.exception() is not None:
            self.fault = hand.exception()
        else:
            self._engage()  # it may have been cancelled for the sake of one lane

    async def _work(self) -> None:
        """Handle one record after the other, for as long as there are some."""
        hand = asyncio.current_task()
        try:
            for number in count(1):
                if number % TURNS == 0:
                    await asyncio.sleep(0)
                if not self._ready:
                    break
                await self._take_on(self._ready.popleft(), hand)
        finally:
            self._looking -= 1

    async def _take_on(self, lane: Lane, hand: "asyncio.Task[None] | None") -> None:
        """Handle the first record of a lane, as soon as the rate allows it and while nobody else does."""
        if not _is_due(lane):
            return
        self._looking -= 1
        self._engage()
        try:
            if not self._throttle.free:
                await self._permit()
            while not self._lease.valid:
                await self._lease.renewed()
            if _is_due(lane):
                await self._try(lane, hand)
        finally:
            self._looking += 1

    async def _permit(self) -> None:
        """Wait until one more record may be handled."""
        while not self._granted:
            async with self._granting:
                if not self._granted:
                    self._granted = await self._throttle.grant()
        self._granted -= 1

    async def _try(self, lane: Lane, hand: "asyncio.Task[None] | None") -> None:
        """Handle the first record of a lane, if what it takes can be used."""
        record = lane.entries[0].record
        try:
            event = self._read(record.value or b"")
        except Exception as error:  # noqa: BLE001 - whatever it is, the record is kept
            lane.owner.conclude(lane, error, counts=True)
            return
        target = self._target(event)
        breaker, held = self._breaker(target)
        if not breaker.spare(monotonic()):
            lane.stage = Stage.HELD
            held.append(lane)
            return
        tries = 1 if lane.failure is None else lane.failure.tries + 1
        delivery = Delivery(lane.owner.id_of(lane.entries[0]), event, record.timestamp, tries)
        lane.stage, lane.hand = Stage.RUNNING, hand
        lane.owner.begin(lane)
        token, counts, begun = breaker.begin(), breaker.opened is None, monotonic()
        try:
            fault = await self._attempt(delivery)
        except BaseException:
            breaker.end(token)
            raise
        finally:
            lane.hand = None
        metrics.effect_seconds.observe(monotonic() - begun)
        counts = counts or breaker.could_succeed(token) or not isinstance(fault, UnavailableError)
        self._report(target, lane, token, fault)
        lane.owner.conclude(lane, fault, counts=counts)

    async def _attempt(self, delivery: Delivery[T]) -> Exception | None:
        """Call the handler; give what has failed."""
        try:
            async with asyncio.timeout(self._terms.limit) as timer:
                await self._handle(delivery)
        except TimeoutError as error:
            if timer.expired():
                return SlowError(f"it has taken longer than {self._terms.limit:g} s")
            return UnavailableError(describe(error))
        except ConnectionError as error:
            return UnavailableError(describe(error))
        except asyncio.CancelledError as error:
            if _is_wanted():
                raise
            return CancelError(describe(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
            return error
        return None

    def _breaker(self, target: str) -> tuple[Breaker, deque[Lane]]:
        found = self._breakers.get(target)
        if found is None:
            found = self._breakers[target] = Breaker(self._terms.lanes), deque()
        return found

    def _report(self, target: str, lane: Lane, token: Token, fault: Exception | None) -> None:
        """Tell the breaker what a try has shown."""
        breaker, held = self._breakers[target]
        now = monotonic()
        if isinstance(fault, UnavailableError):
            if breaker.fail(token, lane.name, now, fault.after):
                log.error("Stopped trying: all fails", target=target, reason=str(fault))
                self._look_again(target)
        elif fault is None or isinstance(fault, PermanentError):
            if breaker.succeed(token, now):
                log.warning(
                    "Trying again as before" if breaker.opened is None else "Trying again, a few at a time",
                    target=target,
                )
        else:
            breaker.end(token)
        if held:
            self._release(target)

    def _release(self, target: str) -> None:
        """Let through as many of those that a breaker holds as may be."""
        breaker, held = self._breakers[target]
        spare = breaker.spare(monotonic())
        while spare and held:
            lane = held.popleft()
            if lane.stage is Stage.HELD and lane.owner.open:  # else it waits for something else by now, or elsewhere
                self.enqueue(lane)
                spare -= 1

    def _look_again(self, target: str) -> None:
        """Release some whenever the time has come, for as long as the breaker is open."""
        breaker, _ = self._breakers[target]
        now = monotonic()
        if breaker.close(now):
            log.warning("Trying again as before", target=target)
        self._release(target)
        look = breaker.next_look(now)
        if look is not None:
            asyncio.get_running_loop().call_later(max(look - now, 0.1), self._look_again, target)

    async def close(self) -> None:
        """Cancel whatever is still being handled."""
        hands = [*self._hands]
        for hand in hands:
            hand.cancel()
        if hands:
            await asyncio.wait(hands)
        self._ready.clear()


def _is_due(lane: Lane) -> bool:
    return lane.stage is Stage.READY and lane.owner.open


def _is_wanted() -> bool:
    """Tell whether the task that runs is to be cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
