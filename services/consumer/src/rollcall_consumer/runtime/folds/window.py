"""What tells a repetition: the ids of the records before.

The log itself is the window: it is read back whenever a partition is taken over. So that it does not matter when that
is, it begins at a multiple of its size: a record is a repetition if its id was there since the last multiple but one.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from aiokafka import TopicPartition

from rollcall_consumer.runtime.folds.fold import Admitted
from rollcall_domain.headers import ID, LETTER
from rollcall_domain.service.records import Record


class Window:
    """The ids of the last records of one input: of so many at the least, and of twice as many at the most.

    Args:
        size: How many.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._number = -1
        self._current: set[bytes | None] = set()
        self._previous: set[bytes | None] = set()

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

    def holds_none(self, ids: set[bytes | None]) -> bool:
        """Tell whether none of these ids was there."""
        return self._current.isdisjoint(ids) and self._previous.isdisjoint(ids)

    def holds(self, identity: bytes) -> bool:
        """Tell whether an id was there."""
        return identity in self._current or identity in self._previous

    def add(self, ids: set[bytes | None]) -> None:
        """Take in ids."""
        self._current |= ids


class Windows:
    """The ids of the last records of all inputs of a partition.

    Args:
        inputs: The inputs.
        size: How many records of each count, at the least.
    """

    def __init__(self, inputs: Sequence[TopicPartition], size: int) -> None:
        self._inputs = inputs
        self._windows = [Window(size) for _ in inputs]

    def begin(self, source: int, offset: int) -> int:
        """Tell from which offset on an input is to be read back by who goes on at an offset."""
        return self._windows[source].begin(offset)

    def admit(self, source: int, records: Sequence[Record]) -> list[Admitted]:
        """Take in records of an input, one at the least, in order; give those that repeat no other."""
        ids = _ids(records)
        known = set(ids)
        known.discard(None)
        window = self._windows[source]
        whole = window.spans(records[0].offset, records[-1].offset)
        nameless = ids.count(None) if len(known) < len(ids) else 0
        distinct = len(known) == len(ids) - nameless
        if whole and distinct and all(each.holds_none(known) for each in self._windows):
            window.add(known)
            admitted = [*zip(records, ids, strict=True)]
        else:
            admitted = [*self._one_by_one(window, records, ids)]
        return self._named(source, admitted) if nameless else cast("list[Admitted]", admitted)

    def _one_by_one(
        self, window: Window, records: Sequence[Record], ids: Sequence[bytes | None]
    ) -> Iterator[tuple[Record, bytes | None]]:
        for record, identity in zip(records, ids, strict=True):
            window.spans(record.offset, record.offset)
            if identity is not None:
                if any(each.holds(identity) for each in self._windows):
                    continue
                window.add({identity})
            yield record, identity

    def _named(self, source: int, admitted: Iterable[tuple[Record, bytes | None]]) -> list[Admitted]:
        """Name those that have no id by where they were found first."""
        topic, index = self._inputs[source]
        return [(record, identity or f"{topic}-{index}-{record.offset}".encode()) for record, identity in admitted]


def _ids(records: Sequence[Record]) -> Sequence[bytes | None]:
    """Give the id of each record."""
    try:
        names, values = zip(*[record.headers[0] for record in records], strict=True)
    except IndexError:  # some have no headers
        pass
    else:
        if names.count(ID) == len(names) and all(values):  # as the producer writes them
            return values
    return [find(record.headers) for record in records]


def find(headers: Sequence[tuple[str, bytes | None]]) -> bytes | None:
    """Find the id of a record: the first that says something.

    One that was sent back from the dead letters repeats none: its id was seen when it could not be handled.
    """
    found = {name: value for name, value in reversed(headers) if value}
    return found.get(LETTER) or found.get(ID)
