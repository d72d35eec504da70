"""The topic `Student` of both clusters side by side: what was copied, what was copied again, and what was not."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from rollcall_dev.chaos.ledger import Attempt, Ledger, Outcome
from rollcall_dev.chaos.record.history import Place
from rollcall_dev.chaos.record.log import Line

Partitions = Sequence[Sequence[Line]]
"""A topic's records, by partition."""


@dataclass
class Copies:
    """What a mirror has made of a log.

    Attributes:
        made: Records that were copied.
        again: Where the second log has copies of what it had already.
        tail: Records behind the last one of their partition that was copied.
        faults: What can't be, in words.
    """

    made: int = 0
    again: set[Place] = field(default_factory=set)
    tail: list[Line] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def tail_ids(self) -> set[str]:
        """The ids of what was not copied."""
        return {line.identity.decode() for line in self.tail if line.identity is not None}


def compare(first: Partitions, second: Partitions) -> Copies:
    """Find the records of the first log in the second one.

    A copy has the record's time, key, value and headers, and stands in the same partition. Of copies that are there
    for the first time, the order has to be that of the records, with none left out; where they end, the tail begins.
    """
    copies = Copies()
    for index, (records, lines) in enumerate(zip(first, second, strict=True)):
        numbers = {_content(line): number for number, line in enumerate(records)}
        if len(numbers) < len(records):
            copies.faults.append(f"records of partition {index} can't be told from each other")
        found = 0
        for line in lines:
            number = numbers.get(_content(line))
            if number is None:  # written here, and no copy
                continue
            if number < found:
                copies.again.add((index, line.offset))
                continue
            copies.faults += [f"partition {index}: {left_out} was not copied" for left_out in records[found:number]]
            found = number + 1
            copies.made += 1
        copies.tail += records[found:]
    return copies


def _content(line: Line) -> Line:
    return line._replace(offset=-1)


def lost(ledger: Ledger, second: Partitions) -> dict[str, Attempt]:
    """Find what was accepted and is not in the second log: the attempt that was accepted, by the update's id."""
    there = {line.identity for lines in second for line in lines}
    return {
        attempt.key: attempt
        for attempt in ledger.attempts
        if attempt.key is not None and attempt.outcome is Outcome.ACCEPTED and attempt.key.encode() not in there
    }


def without(ledger: Ledger, keys: Collection[str]) -> Ledger:
    """Leave some updates out of a ledger."""
    return _of(attempt for attempt in ledger.attempts if attempt.key not in keys)


def sent_to(ledger: Ledger, processes: range) -> Ledger:
    """Leave out of a ledger what was sent to others than some of the API's processes."""
    return _of(attempt for attempt in ledger.attempts if attempt.process in processes)


def _of(attempts: Iterator[Attempt]) -> Ledger:
    part = Ledger()
    part.attempts = [*attempts]
    return part
