"""What has become of each alert, told from the log, the ledgers and the dead letters."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rollcall_dev.chaos.effects.alerts import Act, Kind, act_of
from rollcall_dev.chaos.effects.effect import TERMS
from rollcall_dev.chaos.effects.ledger import Entry, Mark
from rollcall_dev.chaos.record.log import Line
from rollcall_domain import codec
from rollcall_domain.alert import Alert

Partitions = Sequence[Sequence[Line]]
"""A topic's records, by partition."""


@dataclass
class Story:
    """What has become of an alert.

    Attributes:
        alert: The alert.
        act: What its handler was to do.
        partition: Where it lies.
        line: Its record.
        entries: What ledgers say of it, in the order of time.
    """

    alert: Alert
    act: Act
    partition: int
    line: Line
    entries: list[Entry] = field(default_factory=list)

    @property
    def done(self) -> Sequence[Entry]:
        """Its successes."""
        return [entry for entry in self.entries if entry.mark is Mark.DONE]

    @property
    def begin(self) -> int | None:
        """When it was begun first, in nanoseconds; None if it was not."""
        return self.entries[0].at if self.entries else None

    @property
    def end(self) -> int | None:
        """When nothing more was to be done for it first, in nanoseconds; None if it has not come to that."""
        return next((entry.at for entry in self.entries if self._ends(entry)), None)

    def _ends(self, entry: Entry) -> bool:
        if entry.mark is Mark.FAILED and self.act.kind is Kind.REFUSED:
            return True
        return entry.mark is Mark.DONE or (entry.mark is not Mark.BEGUN and entry.attempt >= TERMS.tries)


def tell(log: Partitions, entries: Iterable[Entry]) -> Mapping[str, Story]:
    """Tell what has become of each alert, by its id; in the order of the log within each partition.

    Args:
        log: The topic `Student.Alerts`.
        entries: What ledgers say, in the order of time.
    """
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        found[entry.alert].append(entry)
    stories = {}
    for index, lines in enumerate(log):
        for line in lines:
            alert = codec.decode_alert(line.value or b"")
            stories[alert.id] = Story(alert, act_of(alert), index, line, found[alert.id])
    return stories
