"""A viewer of the drill: what it asks for, and what it should have seen."""

import itertools
from collections.abc import Mapping, Sequence

from rollcall_dev.chaos.record.log import Line
from rollcall_dev.drill.resume.verdict import KINDS, Told, Verdict, judge
from rollcall_dev.kafka import ports
from rollcall_dev.viewers import Viewer
from rollcall_producer.stream.position import read_id

ASKED: Sequence[Mapping[str, str]] = (
    {},
    {"from": "beginning"},
    {"student": "l-7"},
    {"kinds": "event", "state": "LoggedIn", "from": "beginning"},
    {"kinds": "state,alert"},
)
"""What viewers ask for, in turns."""

Logs = Sequence[Sequence[Sequence[Line]]]
"""What lies in the log: for each kind of message, for each partition."""


class Watcher:
    """A viewer.

    Args:
        port: Where it connects.
        number: Which one it is.

    Attributes:
        number: Which one it is.
        viewer: What it has seen.
    """

    def __init__(self, port: int, number: int) -> None:
        self.number = number
        self._asked = ASKED[number % len(ASKED)]
        self.viewer = Viewer((ports.HOST, port), self._asked)

    @property
    def seen(self) -> int:
        """How many messages it has seen."""
        return sum(map(self.viewer.count, KINDS))

    def count(self, logs: Logs) -> int:
        """Count the messages that it should see."""
        return judge((), self._from_begin(logs), self._wants).wanted

    def judge(self, logs: Logs) -> Verdict:
        """Hold what it has seen against the log."""
        return judge(self.viewer.messages, self._from_begin(logs), self._wants)

    def _from_begin(self, logs: Logs) -> Mapping[str, Sequence[Sequence[Line]]]:
        """Give what lies in the log from where it has begun: at the beginning, or where it was told `live`."""
        partitions = len(logs[0])
        offsets: Sequence[int] = [0] * len(KINDS) * partitions
        if "from" not in self._asked:
            offsets = read_id(self.viewer.messages[0].id, partitions).offsets
        return {
            kind: [
                [line for line in lines if line.offset >= offsets[number * partitions + index]]
                for index, lines in enumerate(logs[number])
            ]
            for number, kind in enumerate(KINDS)
        }

    def _wants(self, kind: str, told: Told) -> bool:
        asked = self._asked
        return (
            kind in asked.get("kinds", ",".join(KINDS)).split(",")
            and asked.get("student", told["StudentId"]) == told["StudentId"]
            and asked.get("state", told.get("State")) == told.get("State")
        )

    def longest_gap(self) -> float:
        """Tell for how many seconds nothing has come at the most, though there was something to come."""
        times = [message.at for message in self.viewer.messages]
        gaps = (after - before for before, after in itertools.pairwise(times))
        return 0.0 if "student" in self._asked else max(gaps, default=0.0)

    def tell(self, verdict: Verdict) -> str:
        """Say in words what was found out."""
        asked = "&".join(f"{name}={value}" for name, value in self._asked.items()) or "all"
        return (
            f"{verdict.seen:,} seen, {len(verdict.missed)} missed, {len(verdict.doubled)} doubled, "
            f"{len(verdict.inverted)} inverted; {self.viewer.connections} connections; {asked}"
        )
