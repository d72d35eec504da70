"""Ids that callers gave their updates, and what became of them: a repetition is answered as the first was."""

from typing import NamedTuple

from rollcall_producer.batch import Batch
from rollcall_producer.errors import ReusedIdError

REMEMBERED = 100_000
"""Ids that are remembered, the newest ones; some 60 MB if there are that many."""


class _First(NamedTuple):
    value: bytes
    timestamp: int | None
    batch: Batch
    place: int


class Repeats:
    """Remembers the updates that came with an id of their caller's.

    Args:
        limit: How many are remembered.
    """

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._limit = limit
        self._firsts: dict[bytes, _First] = {}

    def find(self, identity: bytes, value: bytes, timestamp: int | None) -> tuple[Batch, int] | None:
        """Look for an earlier update with the same id.

        Args:
            identity: The id.
            value: The record's value.
            timestamp: The time that the caller has given, in milliseconds since 1970, or None.

        Returns:
            The batch of the first one, which is in the log or on its way, and its place there; or None if this one has
            to be written.

        Raises:
            ReusedIdError: There is one, and it says something else.
        """
        first = self._firsts.get(identity)
        if first is None:
            return None
        if (first.value, first.timestamp) != (value, timestamp):
            raise ReusedIdError("this id was given to another update before")
        return None if first.batch.outcome is not None else (first.batch, first.place)

    def remember(self, identity: bytes, value: bytes, timestamp: int | None, batch: Batch) -> None:
        """Remember an update, which was just added to a batch; the oldest one may be forgotten for it."""
        self._firsts.pop(identity, None)
        self._firsts[identity] = _First(value, timestamp, batch, batch.count - 1)
        if len(self._firsts) > self._limit:
            del self._firsts[next(iter(self._firsts))]
