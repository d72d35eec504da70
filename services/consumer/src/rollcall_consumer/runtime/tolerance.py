"""How many records may be dead letters."""

from collections import deque

SHARE_OF = 1000
"""The share of dead letters is that of so many records."""


class Tolerance:
    """How many of a partition's records may be dead letters before something else must be wrong than these records.

    Args:
        share: Which share of the last 1,000 records.
        run: How many one after the other.
    """

    def __init__(self, share: float, run: int) -> None:
        self._most = share * SHARE_OF
        self._run_limit = run
        self._run = 0
        self._recent: deque[int] = deque()

    def exceeded_by(self, number: int) -> str | None:
        """Count a dead letter.

        Args:
            number: How many records came before it.

        Returns:
            What is too much, for people; None if it is not.
        """
        self._run = self._run + 1 if self._recent and self._recent[-1] == number - 1 else 1
        self._recent.append(number)
        while self._recent[0] <= number - SHARE_OF:
            self._recent.popleft()
        if self._run > self._run_limit:
            return f"more than {self._run_limit} records one after the other can't be handled"
        if len(self._recent) > self._most:
            return f"more than {self._most:g} of {SHARE_OF} records can't be handled"
        return None
