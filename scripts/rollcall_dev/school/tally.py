"""What has become of updates."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic

from rollcall_dev.school.day import Update
from rollcall_domain.events import State


@dataclass
class Tally:
    """Counts.

    Attributes:
        due: Updates whose time has come.
        sent: Those of them that were sent, once or several times.
        accepted: Those that are written, as the API says.
        retried: How often an update was sent again, by the cause.
        failed: Updates that the API refuses for good, by what it says.
        waiting: How many lanes wait before they try again.
        trouble: Why the last one of them does.
        inside: Who is logged in.
    """

    due: int = 0
    sent: int = 0
    accepted: int = 0
    retried: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    trouble: str = ""
    inside: set[str] = field(default_factory=set)
    _begin: float = field(default_factory=monotonic)

    @property
    def settled(self) -> int:
        """How many updates are over and done with."""
        return self.accepted + self.failed.total()

    def accept(self, update: Update) -> None:
        """Take note of an update that is written."""
        self.accepted += 1
        if update.state is State.LoggedIn:
            self.inside.add(update.student)
        else:
            self.inside.discard(update.student)

    def obstacle(self) -> str | None:
        """Tell what holds updates up, if anything does."""
        return f"{self.due - self.settled:,} wait: {self.trouble}" if self.waiting else None

    def summary(self) -> Iterator[str]:
        """Tell all of it, line by line."""
        seconds = monotonic() - self._begin
        yield f"sent      {self.sent:,}"
        yield f"accepted  {self.accepted:,}"
        yield f"retried   {_told(self.retried)}"
        yield f"failed    {_told(self.failed)}"
        if self.due > self.settled:
            unanswered = self.sent - self.settled
            yield f"left      {self.due - self.sent:,} not sent, {unanswered:,} without an answer"
        yield f"rate      {self.accepted / seconds:,.1f} a second"
        yield f"time      {seconds:,.1f} s"
        yield f"inside    {len(self.inside):,} still logged in"


def _told(causes: Counter[str]) -> str:
    each = "; ".join(f"{count:,} for: {cause}" for cause, count in causes.most_common())
    return f"{causes.total():,}" + (f" ({each})" if each else "")
