"""The inputs as they are in the log: which updates have an effect, and what else has to come of them."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from rollcall_dev.chaos.record.log import Line
from rollcall_dev.chaos.record.offline import Event
from rollcall_dev.chaos.record.straight import Sent
from rollcall_domain.errors import Reason
from rollcall_domain.partition import partition_for

Place = tuple[int, int]
"""A partition and an offset of the topic `Student`."""

Forward = tuple[bytes | None, int, bytes | None, tuple[tuple[str, bytes], ...]]
"""A record of the inbox: key, time, value and headers."""


class _Update(msgspec.Struct, rename="pascal"):
    student_id: str
    state: int


_decode = msgspec.json.Decoder(_Update).decode


@dataclass
class History:
    """What the inputs have to lead to.

    Attributes:
        events: The updates that have an effect, of each student in each topic, in the order of the log.
        effects: How many effects each id has.
        forwards: What has to be in each partition of the inbox, and how often.
        origins: Where each record of the inbox may come from, by its id.
        letters: Records that have to be dead letters, and why, in the order of each partition.
        faults: What can't be, in words.
    """

    events: dict[str, tuple[list[Event], list[Event]]] = field(default_factory=lambda: defaultdict(lambda: ([], [])))
    effects: Counter[str] = field(default_factory=Counter)
    forwards: Counter[tuple[int, Forward]] = field(default_factory=Counter)
    origins: dict[bytes, list[Place]] = field(default_factory=lambda: defaultdict(list))
    letters: dict[int, list[tuple[Line, Reason]]] = field(default_factory=lambda: defaultdict(list))
    faults: list[str] = field(default_factory=list)


class Historian:
    """Reads the inputs.

    Args:
        topic: The full name of the topic `Student`.
        sent: What was written straight to it.
        window: How many records an id is remembered for, at the least.
    """

    def __init__(self, topic: str, sent: Mapping[Place, Sent], window: int) -> None:
        self._topic = topic
        self._sent = sent
        self._window = window
        self._history = History()

    def tell(self, student: list[list[Line]], inbox: list[list[Line]]) -> History:
        """Find out what has to come of the records of both topics, partition by partition."""
        for index, lines in enumerate(student):
            for line in self._once(lines):
                self._take(index, line, len(student))
        for index, lines in enumerate(inbox):
            for line in self._once(lines):
                self._add(index, line, 1, len(student))
        self._check_ids(student, inbox)
        return self._history

    def _once(self, lines: list[Line]) -> Iterator[Line]:
        """Leave out repetitions: records whose id was there since the last multiple of the window's size but one."""
        seen: dict[bytes, int] = {}
        for line in lines:
            identity = line.identity
            if identity is not None:
                before = seen.get(identity, -2 * self._window)
                seen[identity] = line.offset
                if before // self._window >= line.offset // self._window - 1:
                    continue
            yield line

    def _take(self, index: int, line: Line, partitions: int) -> None:
        sent = self._sent.get((index, line.offset))
        if sent is not None and sent.reason is not None:
            self._history.letters[index].append((line, sent.reason))
            return
        self._add(index, line, 0, partitions)

    def _add(self, index: int, line: Line, source: int, partitions: int) -> None:
        try:
            update = _decode(line.value or b"")
        except msgspec.DecodeError:
            self._history.faults.append(f"nobody has written {line} of partition {index}")
            return
        home = partition_for(update.student_id.encode(), partitions)
        identity = line.identity or f"{self._topic}-{index}-{line.offset}".encode()
        if home == index:
            event = Event(update.student_id, update.state, line.timestamp, source, line.offset, identity.decode())
            self._history.events[update.student_id][source].append(event)
            self._history.effects[event.identity] += 1
        elif source:
            self._history.faults.append(f"{line} lies in partition {index} of the inbox, and belongs to {home}")
        else:
            headers = line.headers if line.identity else (*line.headers, ("id", identity))
            key = update.student_id.encode()
            self._history.forwards[home, (key, line.timestamp, line.value, headers)] += 1
            self._history.origins[identity].append((index, line.offset))

    def _check_ids(self, student: list[list[Line]], inbox: list[list[Line]]) -> None:
        """Make sure that no id is in both topics: which of its records has an effect could not be told."""
        for index, (one, other) in enumerate(zip(student, inbox, strict=True)):
            both = {line.identity for line in one} & {line.identity for line in other} - {None}
            if both:
                self._history.faults.append(f"ids in both topics of partition {index}: {both}")
