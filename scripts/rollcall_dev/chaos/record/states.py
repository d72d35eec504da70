"""The records of students as they were written, one after the other, against what they had to be; and the alerts."""

import json
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from rollcall_dev.chaos.record.history import History
from rollcall_dev.chaos.record.log import Line
from rollcall_dev.chaos.record.offline import (
    LOGGED_IN,
    Event,
    Raised,
    Rules,
    Stories,
    Story,
    apply_all,
    stay_too_long,
    versions,
)
from rollcall_dev.chaos.record.verdict import DOUBLED, INVERTED, LOST, WRONG, Verdict
from rollcall_domain.partition import partition_for

CLOCK = 10_000
"""Milliseconds by which an alert by the clock may come late."""

Ends = dict[str, Stories]
"""All that may have become of each student in the end."""


class States:
    """Checks the topic `Student.State`.

    Args:
        history: What the records of the log have to lead to.
        rules: What raises alerts.
        verdict: Is told what is wrong.
    """

    def __init__(self, history: History, rules: Rules, verdict: Verdict) -> None:
        self._history = history
        self._rules = rules
        self._verdict = verdict

    def check(self, log: Sequence[Sequence[Line]]) -> Ends:
        """Check all records of the topic, and that none is missing in the end."""
        found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for index, lines in enumerate(log):
            for line in lines:
                record = json.loads(line.value or b"{}")
                student = record.get("StudentId", "")
                found[student].append(record)
                self._check_line(index, line, student, record.get("Seen"), len(log))
        for student in found.keys() - self._history.events.keys():
            self._verdict.add(WRONG, f"there is a record of {student}, of whom nobody has written anything")
        return {student: self._follow(student, found[student]) for student in self._history.events}

    def _check_line(self, index: int, line: Line, student: str, seen: object, partitions: int) -> None:
        key = student.encode()
        if (line.key, line.timestamp, index) != (key, seen, partition_for(key, partitions)):
            self._verdict.add(WRONG, f"partition {index} of the state has {line}, which belongs elsewhere")

    def _follow(self, student: str, found: Iterable[dict[str, Any]]) -> Stories:
        """Follow a student from record to record."""
        both = self._history.events[student]
        stories: Stories = {None}
        before: dict[str, Any] = {}
        excess = 0
        for record in found:
            if not self._advances(student, before, record):
                continue
            new = _between(both, versions(before), versions(record))
            told = apply_all(stories, new, self._rules)
            stories = {story for story in told if story is not None and story.fits(record, self._rules)} or told
            excess = self._compare(student, record, stories)
            before = record
        self._verdict.add(DOUBLED, f"{student} has {excess} logins too many", times=excess)
        self._verdict.add(LOST, f"{student} has {-excess} logins too few", times=-excess)
        rest = _between(both, versions(before), None)
        left = sum(map(len, rest))
        self._verdict.add(LOST, f"{student}: nothing has come of {left} updates: {rest}"[:500], times=left)
        return apply_all(stories, rest, self._rules)

    def _advances(self, student: str, before: dict[str, Any], record: dict[str, Any]) -> bool:
        """Tell whether a record comes after another one, as it should."""
        old, new = versions(before), versions(record)
        if new[0] < old[0] or new[1] < old[1]:
            self._verdict.add(INVERTED, f"the record of {student} goes back from {old} to {new}")
            return False
        if new == old:
            told = dict.fromkeys(("Raised",))
            if len(record.get("Raised", ())) <= len(before.get("Raised", ())) or before | told != record | told:
                self._verdict.add(DOUBLED, f"the record of {student} is there twice: {before}, {record}")
        return True

    def _compare(self, student: str, record: dict[str, Any], stories: Stories) -> int:
        """Compare a record with all that it may be.

        Returns:
            How many logins it has too many.
        """
        known = [story for story in stories if story is not None]
        if any(story.fits(record, self._rules) for story in known):
            return 0
        self._verdict.add(WRONG, f"the record of {student} is {record}, and had to be one of {_shown(known)}")
        return min((int(record.get("Logins", 0)) - story.logins for story in known), key=abs, default=0)


def _between(
    both: tuple[list[Event], list[Event]], old: tuple[int, int], new: tuple[int, int] | None
) -> tuple[list[Event], list[Event]]:
    student, inbox = (
        events[_after(events, old[source]) : None if new is None else _after(events, new[source])]
        for source, events in enumerate(both)
    )
    return student, inbox


def _after(events: Sequence[Event], offset: int) -> int:
    return bisect_right(events, offset, key=attrgetter("offset"))


def _shown(stories: Iterable[Story]) -> str:
    return "; ".join(str(story._replace(alerts=frozenset(), stays=frozenset())) for story in stories)[:500]


class Alerts:
    """Checks the topic `Student.Alerts`.

    Args:
        rules: What raises alerts.
        verdict: Is told what is wrong.
    """

    def __init__(self, rules: Rules, verdict: Verdict) -> None:
        self._rules = rules
        self._verdict = verdict

    def check(self, log: Sequence[Sequence[Line]], ends: Mapping[str, Stories], now: int) -> None:
        """Check that there is each alert that there has to be, once.

        Args:
            log: The records of the topic.
            ends: What has become of each student.
            now: When it was read, in milliseconds since 1970, UTC.
        """
        found: Counter[tuple[str, Raised]] = Counter()
        ids: Counter[str] = Counter()
        for lines in log:
            for line in lines:
                alert = json.loads(line.value or b"{}")
                raised = Raised(alert["Rule"], alert["Cause"], alert["At"])
                found[alert["StudentId"], raised] += 1
                ids[alert["Id"]] += 1
                if (line.key, line.timestamp) != (alert["StudentId"].encode(), raised.at):
                    self._verdict.add(WRONG, f"an alert is {line}")
        for (student, raised), times in found.items():
            self._verdict.add(DOUBLED, f"{student} has the alert {raised} {times} times", times=times - 1)
        if len(ids) != len(found):
            self._verdict.add(WRONG, f"{len(found)} alerts have {len(ids)} ids")
        students: defaultdict[str, set[Raised]] = defaultdict(set)
        for student, raised in found:
            students[student].add(raised)
        for student in students.keys() | ends.keys():
            self._compare(student, students[student], ends.get(student, {None}), now)

    def _compare(self, student: str, found: set[Raised], stories: Stories, now: int) -> None:
        least: tuple[set[Raised], set[Raised]] | None = None
        for story in stories:
            required, allowed = self._expected(story, now)
            faults = required - found, found - required - allowed
            if least is None or sum(map(len, faults)) < sum(map(len, least)):
                least = faults
        for missing, further in [least] if least else []:
            self._verdict.add(LOST, f"{student} lacks alerts: {missing}"[:500], times=len(missing))
            self._verdict.add(WRONG, f"{student} has alerts without cause: {further}"[:500], times=len(further))

    def _expected(self, story: Story | None, now: int) -> tuple[set[Raised], set[Raised]]:
        """Tell which alerts there have to be, and which may be: the clock does not wait for what is on its way."""
        if story is None:
            return set(), set()
        allowed = {stay_too_long(since, self._rules) for since in story.stays}
        required = set(story.alerts)
        if story.state == LOGGED_IN and story.since + self._rules.too_long + CLOCK < now:
            required.add(stay_too_long(story.since, self._rules))
        return required, allowed
