"""The ledger against the log: which promise is broken, and by which update."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from operator import attrgetter

from rollcall_dev.chaos.ledger import Attempt, Ledger, Mark, Outcome
from rollcall_dev.chaos.topic import Entry

SHOWN = 5
"""Examples of each fault that are kept."""

KINDS = ("missing", "refused", "doubled", "disorder", "foreign")


@dataclass
class Findings:
    """What the log says of the ledger.

    Attributes:
        unknown_found: Attempts of unknown outcome that are in the log.
        counts: How often each promise is broken: an accepted update is `missing`; one that was `refused`, as not
            written or rejected, is in the log; one is `doubled` without need; a student's are in `disorder`; a record
            is `foreign`, in that nobody has sent it so.
        examples: The first ones, in words.
    """

    unknown_found: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    examples: list[str] = field(default_factory=list)

    def add(self, kind: str, *told: object) -> None:
        """Note a promise that is broken, and by what."""
        self.counts[kind] += 1
        if self.counts[kind] <= SHOWN:
            self.examples.append(f"{kind}: {' '.join(map(str, told))}")


class _Log:
    def __init__(self, entries: Iterable[Entry]) -> None:
        self._by_mark: defaultdict[Mark, list[Entry]] = defaultdict(list)
        self.size = 0
        for entry in entries:
            self.size += 1
            self._by_mark["id", entry.identity].append(entry)
            if entry.trace:
                self._by_mark["trace", entry.trace].append(entry)
            else:
                self._by_mark["time", entry.student, str(entry.timestamp)].append(entry)

    def find(self, mark: Mark | None) -> Sequence[Entry]:
        return () if mark is None else self._by_mark.get(mark, ())

    def ids(self) -> Iterable[tuple[str, Sequence[Entry]]]:
        return ((mark[1], entries) for mark, entries in self._by_mark.items() if mark[0] == "id")


class Audit:
    """Compares a ledger with the log.

    Args:
        ledger: What was sent, and what became of it.
        entries: All records of the topic.
        since: What was accepted before that time of the monotonic clock may be gone.
    """

    def __init__(self, ledger: Ledger, entries: Iterable[Entry], since: float = -inf) -> None:
        self._log = _Log(entries)
        self._since = since
        self._findings = Findings()
        self._keys: defaultdict[str, list[Attempt]] = defaultdict(list)
        self._single: list[Attempt] = []
        for attempt in ledger.attempts:
            if attempt.key is None:
                self._single.append(attempt)
            else:
                self._keys[attempt.key].append(attempt)

    @property
    def size(self) -> int:
        """How many records there are."""
        return self._log.size

    def run(self) -> Findings:
        """Find out what is wrong."""
        for attempt in self._single:
            self._check([attempt], self._log.find(attempt.mark))
        for key, attempts in self._keys.items():
            self._check(attempts, self._log.find(("id", key)))
            self._check_repeats(attempts)
        for identity, entries in self._log.ids():
            if len(entries) > 1 and identity not in self._keys:
                self._findings.add("doubled", entries)
        self._check_order()
        return self._findings

    def _check(self, attempts: Sequence[Attempt], entries: Sequence[Entry]) -> None:
        """Check all attempts to have one update written."""
        accepted = [attempt for attempt in attempts if attempt.outcome is Outcome.ACCEPTED]
        unknown = sum(attempt.outcome is Outcome.UNKNOWN for attempt in attempts)
        if accepted and not entries and min(attempt.begin for attempt in attempts) > self._since:
            self._findings.add("missing", attempts)
        # A process that is gone takes what it remembered of an update's first attempt with it.
        allowed = unknown + len({attempt.process for attempt in accepted})
        if len(entries) > allowed:
            self._findings.add("doubled" if allowed else "refused", attempts, "are", entries)
        if not accepted:
            self._findings.unknown_found += min(unknown, len(entries))
        for entry in entries:
            if (entry.student, entry.state) != (attempts[0].student, attempts[0].state):
                self._findings.add("foreign", attempts, "are", entry)

    def _check_repeats(self, attempts: Sequence[Attempt]) -> None:
        """Check each attempt by itself, where its record can be told from those of the others."""
        written = [(attempt, self._log.find(attempt.mark)) for attempt in attempts]
        for attempt, entries in written:
            if attempt.mark is None or attempt.mark[0] != "trace" or not entries:
                continue
            known = [
                other
                for other in attempts
                if other.outcome is Outcome.ACCEPTED and other.process == attempt.process and other.end < attempt.begin
            ]
            if attempt.outcome in (Outcome.NOT_WRITTEN, Outcome.REJECTED):
                self._findings.add("refused", attempt, "is", entries)
            elif len(entries) > 1 or known:
                self._findings.add("doubled", attempt, "is", entries, "after", known)

    def _check_order(self) -> None:
        """Check that a student's accepted updates stand in the log as they were sent."""
        students: defaultdict[str, list[tuple[Attempt, Entry]]] = defaultdict(list)
        for attempts, entries in self._in_order_of_sending():
            if entries:
                students[attempts[0].student].append((attempts[0], min(entries, key=attrgetter("offset"))))
        for placed in students.values():
            for (earlier, before), (later, after) in pairwise(placed):
                if (before.partition, before.offset) >= (after.partition, after.offset):
                    self._findings.add("disorder", earlier, before, later, after)

    def _in_order_of_sending(self) -> Iterable[tuple[Sequence[Attempt], Sequence[Entry]]]:
        """Give accepted updates; but no line of an upload that was sent again, after lines that had followed it."""
        groups = [
            *(([attempt], self._log.find(attempt.mark)) for attempt in self._single),
            *((attempts, self._log.find(("id", key))) for key, attempts in self._keys.items()),
        ]
        groups.sort(key=lambda group: group[0][0].number)
        for attempts, entries in groups:
            again = len(attempts) > 1 and attempts[0].mark is None
            if not again and any(attempt.outcome is Outcome.ACCEPTED for attempt in attempts):
                yield attempts, entries
