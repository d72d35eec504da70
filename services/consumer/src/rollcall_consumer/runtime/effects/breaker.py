"""A circuit breaker: whether something that a handler depends on is tried at all.

It opens when all fails: tries of several keys, one after the other, and none that succeeds. A try that fails though
others have succeeded since it began is no sign of that: tries that hang end late, and those that began beside them and
went well are forgotten by then.

While it is open, one try at a time is let through after a pause, of another key each time. After the first that
succeeds, twice as many are let through at a time with each second, until it is closed again: what has come back is not
to be overrun.
"""

from random import uniform
from typing import NamedTuple

FAILURES = 10
"""Tries one after the other that fail, after which nothing else is tried."""

KEYS = 5
"""Of so many keys at the least: what fails for fewer may be their own fault."""

RELAPSE = 3
"""The same of one that is about to be closed."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 15.0
"""Seconds before the first try that is let through, and at the most before one. In between they are doubled."""

DOUBLING = 1.0
"""Seconds in which twice as many tries are let through at a time."""


class Token(NamedTuple):
    """What a try is ended with.

    Attributes:
        epoch: Tells tries that began before the breaker was opened last from those that began later.
        successes: How many tries had succeeded when it began.
    """

    epoch: int
    successes: int


class Breaker:
    """A circuit breaker.

    Args:
        lanes: How many tries at a time there are when it is closed.

    Attributes:
        opened: When it was opened, in seconds of the monotonic clock; None while it is closed.
    """

    def __init__(self, lanes: int) -> None:
        self.opened: float | None = None
        self._lanes = lanes
        self._epoch = 0
        self._successes = 0
        self._running = 0
        self._row = 0
        self._keys: set[object] = set()
        self._pause = FIRST_PAUSE
        self._until = 0.0
        self._recovering: float | None = None

    def spare(self, now: float) -> int:
        """Tell how many more tries may begin at a time."""
        if self.opened is None:
            return self._lanes
        if self._recovering is not None:
            return max(0, self._allowed(now) - self._running)
        return int(now >= self._until and not self._running)

    def next_look(self, now: float) -> float | None:
        """Tell when more tries may begin, if time alone is to bring that about."""
        if self.opened is None:
            return None
        return self._until if self._recovering is None else now + DOUBLING

    def close(self, now: float) -> bool:
        """Close it, if it lets through as many as there are; tell whether that is so."""
        if self._recovering is None or self._allowed(now) < self._lanes:
            return False
        self.opened = self._recovering = None
        return True

    def begin(self) -> Token:
        """Begin a try; give what it is to be ended with."""
        self._running += 1
        return Token(self._epoch, self._successes)

    def could_succeed(self, token: Token) -> bool:
        """Tell whether another try has succeeded since one began: if that fails, it is for its own sake."""
        return self._successes > token.successes

    def succeed(self, token: Token, now: float) -> bool:
        """End a try that has shown that the target can be used; tell whether this has changed anything."""
        if not self.end(token):
            return False
        self._successes += 1
        self._row = 0
        self._keys.clear()
        if self.opened is None:
            return False
        if self._recovering is None:
            self._recovering = now
            return True
        return self.close(now)

    def fail(self, token: Token, key: object, now: float, after: float | None) -> bool:
        """End a try that has found that the target can't be used.

        Args:
            token: What `begin` has given.
            key: The key of the record.
            now: The time, in seconds of the monotonic clock.
            after: Seconds before which no other try would do any better, if the target has said so.

        Returns:
            Whether the breaker has been opened by that.
        """
        if not self.end(token) or self.could_succeed(token):
            return False
        self._row += 1
        self._keys.add(key)
        if self.opened is not None:
            if self._recovering is None or self._row >= RELAPSE:
                self._wait(now, after)
            return False
        if self._row < FAILURES or len(self._keys) < KEYS:
            return False
        self.opened, self._pause = now, FIRST_PAUSE
        self._wait(now, after)
        return True

    def end(self, token: Token) -> bool:
        """End a try that has shown nothing; tell whether it still matters what one has shown."""
        if token.epoch != self._epoch:
            return False
        self._running -= 1
        return True

    def _wait(self, now: float, after: float | None) -> None:
        """Let nothing through for a while. What tries tell that have begun before matters no more."""
        self._epoch += 1
        self._running = self._row = 0
        self._recovering = None
        self._until = now + max(self._pause * uniform(0.75, 1.25), after or 0.0)  # noqa: S311 - it guards nothing
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _allowed(self, now: float) -> int:
        seconds = 0.0 if self._recovering is None else now - self._recovering
        return min(self._lanes, int(2 ** min(seconds / DOUBLING, 20)))
