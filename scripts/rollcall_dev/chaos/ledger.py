"""The ledger: every attempt to have an update written, and what its caller was told."""

from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from time import monotonic

Mark = tuple[str, ...]
"""What tells an attempt's record from all others: the name of a property of the record, and what it is."""


class Outcome(StrEnum):
    """What a caller knows of an update."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    NOT_WRITTEN = "not-written"
    UNKNOWN = "unknown"


@dataclass(slots=True, eq=False)
class Attempt:
    """An update that was sent.

    Attributes:
        student: Whose.
        state: 0 for LoggedIn, 1 for LoggedOut.
        process: Number of the API's process that it was sent to.
        key: The id that its caller has given it, or None.
        mark: What tells its record in the log, or None if nothing does.
        outcome: What its caller was told; unknown until then.
        begin: When it was sent, in seconds of the monotonic clock.
        end: When it was answered.
        number: How many were sent before it.
    """

    student: str
    state: int
    process: int
    key: str | None = None
    mark: Mark | None = None
    outcome: Outcome = Outcome.UNKNOWN
    begin: float = field(default_factory=monotonic)
    end: float = inf
    number: int = -1

    def settle(self, outcome: Outcome) -> None:
        """Note what the caller was told."""
        self.outcome = outcome
        self.end = monotonic()


class Ledger:
    """All attempts, in the order in which they were sent.

    Attributes:
        attempts: All of them.
        slowest: Seconds that the slowest answer took.
        oddities: Answers that nothing promised, in words.
    """

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.slowest = 0.0
        self.oddities: list[str] = []

    def begin(self, attempt: Attempt) -> Attempt:
        """Note an attempt before it is sent."""
        attempt.number = len(self.attempts)
        self.attempts.append(attempt)
        return attempt

    def time(self, seconds: float) -> None:
        """Note how long an answer took."""
        self.slowest = max(self.slowest, seconds)

    def count(self, outcome: Outcome) -> int:
        """Count attempts by what their callers were told."""
        return sum(attempt.outcome is outcome for attempt in self.attempts)
