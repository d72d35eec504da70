"""The rules: what raises an alert.

Of two kinds. A `Rule` judges an update. A `Limit` passes by itself, if nothing happens: by the clock, or as seen from
an update that comes after it. A late update raises nothing.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple, Protocol

from rollcall_domain.events import State
from rollcall_domain.record import LOGGED_IN, NO_MEMORY, Memory, StudentRecord

MILLISECOND = timedelta(milliseconds=1)


class Rule(Protocol):
    """Judges updates.

    Attributes:
        name: What its alerts are called.
        memory: Which logins it wants a record to remember.
    """

    name: str
    memory: Memory

    def judge(self, before: StudentRecord | None, after: StudentRecord) -> str | None:
        """Judge an update by the record before it, if there was one, and after it; `after.seen` is its time.

        Returns:
            What is out of the ordinary, for people; None if nothing is.
        """


class Limit(NamedTuple):
    """For how long a student may stay as they are.

    Attributes:
        name: What its alerts are called.
        state: The state that it is about.
        span: How long is too long, in milliseconds.
        detail: What is out of the ordinary then, for people.
    """

    name: str
    state: State
    span: int
    detail: str


class ManyLogins:
    """A student logs in too often. Raised by the login that is one too many, and not again before it has calmed down.

    Args:
        count: So many logins are too many, 2 at the least,
        span: within that time.
    """

    name = "many-logins"

    def __init__(self, count: int, span: timedelta) -> None:
        self.memory = Memory(count, span // MILLISECOND)
        self._span = span

    def judge(self, before: StudentRecord | None, after: StudentRecord) -> str | None:
        """Judge an update."""
        if before is None or after.recent is before.recent or not self._is_met(after) or self._is_met(before):
            return None
        return f"{self.memory.count} logins within {self._span}"

    def _is_met(self, record: StudentRecord) -> bool:
        recent, count = record.recent, self.memory.count
        return len(recent) >= count and recent[-1] - recent[-count] < self.memory.span


class TwoPlaces:
    """A student logs in who is logged in: from two places at once, it seems."""

    name = "two-places"
    memory = NO_MEMORY

    def judge(self, before: StudentRecord | None, after: StudentRecord) -> str | None:
        """Judge an update."""
        if before is None or before.state is not LOGGED_IN or after.logins == before.logins:
            return None
        return "logged in while logged in"


def too_long(span: timedelta) -> Limit:
    """A student stays logged in for too long."""
    return Limit("too-long", LOGGED_IN, span // MILLISECOND, f"logged in for {span}")


class Rules(NamedTuple):
    """All rules that are in force.

    Attributes:
        rules: Those that judge updates.
        limits: For how long a student may stay as they are.
    """

    rules: Sequence[Rule]
    limits: Sequence[Limit]

    @property
    def memory(self) -> Memory:
        """Which logins a record has to remember for them."""
        memories = [NO_MEMORY, *(rule.memory for rule in self.rules)]
        return Memory(max(memory.count for memory in memories), max(memory.span for memory in memories))
