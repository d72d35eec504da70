"""What happens minute by minute."""

import msgspec

from rollcall_domain.events import State
from rollcall_domain.record import LOGGED_IN

MINUTE = 60_000
"""Milliseconds."""

HORIZON = 7 * 24 * 60
"""Minutes that are counted, back from the latest one: an update that comes later than that is counted nowhere here."""


class Minute(msgspec.Struct, gc=False, rename="pascal"):
    """How often students of one partition have logged in and out in a minute.

    Attributes:
        partition: Which partition.
        start: When the minute began, in milliseconds since 1970, UTC.
        logins: Updates to LoggedIn whose time lies within it, late ones included.
        logouts: Updates to LoggedOut.
    """

    partition: int
    start: int
    logins: int = 0
    logouts: int = 0

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return f"{self.partition}-{self.start}"


class Activity:
    """The minutes of one partition."""

    def __init__(self, partition: int) -> None:
        self._partition = partition
        self._minutes: dict[int, Minute] = {}
        self._latest = -HORIZON
        self._changed: dict[int, Minute] = {}
        self._closed: list[Minute] = []
        self._number: int | None = None
        self._minute: Minute | None = None

    def restore(self, minute: Minute) -> None:
        """Take in a minute as it was kept."""
        number = minute.start // MINUTE
        if number > self._latest:
            self._advance(number)
        if number > self._latest - HORIZON:
            self._minutes[number] = minute

    def count(self, state: State, at: int) -> None:
        """Count an update.

        Args:
            state: The state that it leads to.
            at: Its time, in milliseconds since 1970, UTC.
        """
        number = at // MINUTE
        if number != self._number:
            self._number, self._minute = number, self._open(number)
        minute = self._minute
        if minute is None:
            return
        if state is LOGGED_IN:
            minute.logins += 1
        else:
            minute.logouts += 1

    def _open(self, number: int) -> Minute | None:
        if number > self._latest:
            self._advance(number)
        elif number <= self._latest - HORIZON:
            return None
        minute = self._minutes.get(number)
        if minute is None:
            minute = self._minutes[number] = Minute(self._partition, number * MINUTE)
        self._changed[number] = minute
        return minute

    def _advance(self, latest: int) -> None:
        """Forget the minutes that are beyond the horizon from now on; those that have changed are still to be taken."""
        for number in range(self._latest - HORIZON + 1, min(latest, self._latest + HORIZON) - HORIZON + 1):
            if self._minutes.pop(number, None) is not None and number in self._changed:
                self._closed.append(self._changed.pop(number))
        self._latest = latest

    def take(self) -> list[Minute]:
        """Give the minutes that have changed since they were last taken."""
        changed = [*self._closed, *self._changed.values()]
        self._changed, self._closed, self._number = {}, [], None
        return changed
