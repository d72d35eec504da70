"""A lane: the records of one key, which are handled one after the other."""

import asyncio
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, Protocol

from rollcall_consumer.runtime.effects.parking import Parked
from rollcall_domain.service.records import Record


class Stage(Enum):
    """What a lane waits for."""

    IDLE = "nothing to do"
    READY = "a hand"
    RUNNING = "its first record to be handled"
    PARKED = "the time of the next try"
    HELD = "a breaker"


class Entry(NamedTuple):
    """A record in hand.

    Attributes:
        number: The number of its input.
        record: The record.
    """

    number: int
    record: Record


class Owner(Protocol):
    """Where lanes belong."""

    @property
    def open(self) -> bool:
        """Whether their records may be handled now."""

    def id_of(self, entry: Entry) -> str:
        """Tell a record from all others."""

    def begin(self, lane: "Lane") -> None:
        """Hear that the first record of a lane is being handled."""

    def conclude(self, lane: "Lane", fault: Exception | None, *, counts: bool) -> None:
        """Hear what has come of it.

        Args:
            lane: The lane.
            fault: What has failed, if so.
            counts: Whether that counts as a try.
        """


@dataclass(eq=False, slots=True)
class Lane:
    """The records of one key.

    Attributes:
        owner: Where it belongs.
        name: What tells it from the others there: its key, or the place of the only record if that has none.
        entries: Its records, those that wait included.
        stage: What it waits for.
        failure: What is known of its first record, if that has failed.
        hand: Who handles its first record.
        timer: Ends the wait for the next try.
    """

    owner: Owner
    name: Hashable
    entries: deque[Entry] = field(default_factory=deque)
    stage: Stage = Stage.IDLE
    failure: Parked | None = None
    hand: "asyncio.Task[None] | None" = None
    timer: asyncio.TimerHandle | None = None

    def wait_no_more(self) -> None:
        """Do not wait for the time of the next try."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
