"""What tells a repetition: the ids of the records before.

The log itself is the window: it is read back whenever a partition is taken over. So that it does not matter when that
is, it begins at a multiple of its size: a record is a repetition if its id was there since the last multiple but one.
"""

from collections.abc import Sequence
from typing import NamedTuple

from rollcall_consumer.runtime.pipeline import Record
from rollcall_domain.headers import ID


class Admission(NamedTuple):
    """What the ids of some records tell.

    Attributes:
        ids: The id of each record, or None.
        repeated: Which records repeat another one, by their place among these.
    """

    ids: list[bytes | None]
    repeated: frozenset[int]


NONE: frozenset[int] = frozenset()


class Window:
    """The ids of the last records of one input: of so many at the least, and of twice as many at the most.

    Args:
        size: How many.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._number = -1
        self._current: set[bytes] = set()
        self._previous: set[bytes] = set()

    def begin(self, offset: int) -> int:
        """Tell from which offset on the log is to be read back by who goes on at an offset."""
        return max(0, (offset // self._size - 1) * self._size)

    def spans(self, first: int, last: int) -> bool:
        """Move on to an offset; tell whether another one is within the same multiple of the size."""
        self._move(first // self._size)
        return last // self._size == self._number

    def _move(self, number: int) -> None:
        if number == self._number:
            return
        self._previous = self._current if number == self._number + 1 else set()
        self._current = set()
        self._number = number

    def holds_none(self, ids: set[bytes]) -> bool:
        """Tell whether none of these ids was there."""
        return self._current.isdisjoint(ids) and self._previous.isdisjoint(ids)

    def holds(self, identity: bytes) -> bool:
        """Tell whether an id was there."""
        return identity in self._current or identity in self._previous

    def add(self, ids: set[bytes]) -> None:
        """Take in ids."""
        self._current |= ids


class Windows:
    """The ids of the last records of all inputs of a partition.

    Args:
        inputs: How many inputs there are.
        size: How many records of each count, at the least.
    """

    def __init__(self, inputs: int, size: int) -> None:
        self._windows = [Window(size) for _ in range(inputs)]

    def begin(self, source: int, offset: int) -> int:
        """Tell from which offset on an input is to be read back by who goes on at an offset."""
        return self._windows[source].begin(offset)

    def admit(self, source: int, records: Sequence[Record]) -> Admission:
        """Take in records of an input, in order, and tell which of them are repetitions."""
        ids = [
            headers[0][1] if (headers := record.headers) and headers[0][0] == ID and headers[0][1] else find(headers)
            for record in records
        ]
        known = {identity for identity in ids if identity is not None}
        window = self._windows[source]
        whole = window.spans(records[0].offset, records[-1].offset)
        distinct = len(known) == len(ids) - ids.count(None)
        if whole and distinct and all(each.holds_none(known) for each in self._windows):
            window.add(known)
            return Admission(ids, NONE)
        return Admission(ids, frozenset(self._one_by_one(window, records, ids)))

    def _one_by_one(self, window: Window, records: Sequence[Record], ids: Sequence[bytes | None]) -> list[int]:
        repeated = []
        for number, (record, identity) in enumerate(zip(records, ids, strict=True)):
            window.spans(record.offset, record.offset)
            if identity is None:
                continue
            if any(each.holds(identity) for each in self._windows):
                repeated.append(number)
            window.add({identity})
        return repeated


def find(headers: Sequence[tuple[str, bytes | None]]) -> bytes | None:
    """Find the id of a record: the first that says something."""
    return next((value for name, value in headers if name == ID and value), None)
