"""The rules: what raises an alert.

Of two kinds. A `Rule` judges updates. A `Limit` passes by itself, if nothing happens: by the clock, or as seen from
an update that comes after it. A late update raises nothing.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple, Protocol

from rollcall_domain.events import State
from rollcall_domain.record import LOGGED_IN, NO_MEMORY, Memory, StudentRecord

MILLISECOND = timedelta(milliseconds=1)


class Rule(Protocol):
    """Judges updates to one state.

    Attributes:
        name: What its alerts are called.
        state: The state.
        memory: Which logins it wants a record to remember.
    """

    name: str
    state: State
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
    state = LOGGED_IN

    def __init__(self, count: int, span: timedelta) -> None:
        self.memory = Memory(count, span // MILLISECOND)
        self._span = span

    def judge(self, before: StudentRecord | None, after: StudentRecord) -> str | None:
        """Judge a login."""
        recent, count = after.recent, self.memory.count
        if len(recent) < count or recent[-1] - recent[-count] >= self.memory.span:
            return None
        if (
            before is not None
            and len(before.recent) >= count
            and before.recent[-1] - before.recent[-count] < self.memory.span
        ):
            return None
        return f"{count} logins within {self._span}"


class TwoPlaces:
    """A student logs in who is logged in: from two places at once, it seems."""

    name = "two-places"
    state = LOGGED_IN
    memory = NO_MEMORY

    def judge(self, before: StudentRecord | None, after: StudentRecord) -> str | None:  # noqa: ARG002 - a rule's
        """Judge a login."""
        return "logged in while logged in" if before is not None and before.state is LOGGED_IN else None


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
