"""What viewers have seen, held against the log: nothing missed, nothing doubled, each partition in its order."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from rollcall_dev.chaos.record.log import Line
from rollcall_dev.viewers import Message
from rollcall_domain.partition import partition_for

KINDS = ("event", "state", "alert")

_STATES = ("LoggedIn", "LoggedOut")

Told = dict[str, Any]


@dataclass
class Verdict:
    """What was found out.

    Attributes:
        seen: How many messages were seen.
        wanted: How many there are to see.
        missed: Messages that were not seen and should have been.
        doubled: Messages that were seen too often, or should not have been.
        inverted: Partitions of which messages were seen in another order.
    """

    seen: int = 0
    wanted: int = 0
    missed: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    inverted: list[str] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        """Whether all is as it should be."""
        return not self.examples()

    def examples(self) -> list[str]:
        """Give some of what is not as it should be."""
        return [*self.missed[:3], *self.doubled[:3], *self.inverted[:3]]


def judge(
    messages: Iterable[Message],
    logs: Mapping[str, Sequence[Sequence[Line]]],
    wanted: Callable[[str, Told], bool] = lambda _, __: True,
) -> Verdict:
    """Hold what a viewer has seen against what lies in the log.

    Args:
        messages: What was seen.
        logs: For each kind, what lies in each partition from where the viewer has begun.
        wanted: Tells of a kind and what a message says whether the viewer wants it.
    """
    verdict = Verdict()
    told = [(message.event, message.data) for message in messages if message.event in KINDS]
    verdict.seen = len(told)
    for kind, partitions in logs.items():
        count = len(partitions)
        seen: list[list[str]] = [[] for _ in range(count)]
        for event, data in told:
            if event == kind:
                seen[_partition(kind, data, count)].append(_name(data))
        for index, lines in enumerate(partitions):
            written = (tell(kind, index, line) for line in lines)
            there = [_name(each) for each in written if each is not None and wanted(kind, each)]
            verdict.wanted += len(there)
            _compare(f"{kind} {index}", seen[index], there, verdict)
    return verdict


def _compare(place: str, seen: list[str], there: list[str], verdict: Verdict) -> None:
    verdict.missed += [f"{place}: {name}" for name in (Counter(there) - Counter(seen)).elements()]
    verdict.doubled += [f"{place}: {name}" for name in (Counter(seen) - Counter(there)).elements()]
    if seen != there and Counter(seen) == Counter(there):
        verdict.inverted.append(place)


def _name(data: Told) -> str:
    return msgspec.json.encode(data, order="sorted").decode()


def _partition(kind: str, data: Told, count: int) -> int:
    if kind == "event":
        return int(data["Position"].partition("@")[0])
    return partition_for(data["StudentId"].encode(), count)


def tell(kind: str, partition: int, line: Line) -> Told | None:
    """Tell a record as the stream should; None if it says nothing, or can't be read."""
    try:
        value = msgspec.json.decode(line.value or b"")
    except msgspec.DecodeError:
        return None
    if kind == "alert":
        return {**value, "At": _time(value["At"])}
    if kind == "state":
        return {
            "StudentId": value["StudentId"],
            "State": _STATES[value["State"]],
            "Since": _time(value["Since"]),
            "Seen": _time(value["Seen"]),
            "Logins": value["Logins"],
            "TotalSeconds": value["Total"] / 1000,
        }
    told = {
        "StudentId": value["StudentId"],
        "State": _STATES[value["State"]],
        "At": _time(line.timestamp),
        "Position": f"{partition}@{line.offset}",
    }
    return told if line.identity is None else {**told, "Id": line.identity.decode()}


def _time(milliseconds: int) -> str:
    time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    return f"{time:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"
