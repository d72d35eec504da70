"""What the records of the log have to lead to, worked out anew and in the simplest way: nothing of the fold is used.

A student's updates may come from two topics, `Student` and `Student.Inbox`. Which of those that are applied together
came first, nobody can tell from outside: all that may have happened is worked out, and what was found has to be one of
it.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

SOURCES = ("Version", "InboxVersion")
"""What a record calls the offset of the last update from each topic."""

LOGGED_IN, LOGGED_OUT = 0, 1


class Event(NamedTuple):
    """An update that has an effect.

    Attributes:
        student: Whose.
        state: 0 for LoggedIn, 1 for LoggedOut.
        at: When, in milliseconds since 1970, UTC.
        source: 0 if it lies in `Student`, 1 if in `Student.Inbox`.
        offset: Where.
        identity: What tells it from all others.
    """

    student: str
    state: int
    at: int
    source: int
    offset: int
    identity: str


class Raised(NamedTuple):
    """An alert.

    Attributes:
        rule: Its rule.
        cause: What was one too many, or since when something lasts.
        at: When.
    """

    rule: str
    cause: str
    at: int


class Rules(NamedTuple):
    """What raises alerts.

    Attributes:
        many: Logins that are too many,
        within: in so many milliseconds.
        too_long: Milliseconds that a student may stay.
    """

    many: int
    within: int
    too_long: int


class Story(NamedTuple):
    """What has become of a student.

    Attributes:
        state: Whether the student is in.
        since: When that began.
        seen: The time of the latest update.
        logins: All logins.
        total: Milliseconds that the student was in.
        versions: The offset of the last update from each topic.
        times: When the student has logged in, the last ones.
        alerts: What updates have raised, and stays that were too long and are over.
        stays: When stays began.
    """

    state: int
    since: int
    seen: int
    logins: int
    total: int
    versions: tuple[int, int]
    times: tuple[int, ...]
    alerts: frozenset[Raised]
    stays: frozenset[int]

    def fits(self, found: dict[str, Any], rules: Rules) -> bool:
        """Tell whether a record says the same; what it says of alerts by the clock is none of it."""
        recent = [time for time in self.times[-rules.many :] if time > self.times[-1] - rules.within]
        return (
            self.state,
            self.since,
            self.seen,
            self.logins,
            self.total,
            self.versions,
            recent,
        ) == (
            found.get("State"),
            found.get("Since"),
            found.get("Seen"),
            found.get("Logins"),
            found.get("Total"),
            versions(found),
            found.get("Recent", []),
        )


def versions(found: dict[str, Any]) -> tuple[int, int]:
    """Tell how far a record says that it has come, in each topic."""
    student, inbox = (found.get(name, -1) for name in SOURCES)
    return student, inbox


def go_on(story: Story | None, event: Event, rules: Rules) -> Story:
    """Apply an update."""
    logs_in = event.state == LOGGED_IN
    if story is None:
        began = frozenset([event.at] if logs_in else [])
        version = (event.offset, -1) if event.source == 0 else (-1, event.offset)
        return Story(event.state, event.at, event.at, int(logs_in), 0, version, tuple(began), frozenset(), began)
    student, inbox = story.versions
    story = story._replace(
        logins=story.logins + logs_in,
        versions=(event.offset, inbox) if event.source == 0 else (student, event.offset),
    )
    if event.at < story.seen:
        return story
    alerts = frozenset(_alerts(story, event, rules))
    story = story._replace(seen=event.at, alerts=story.alerts | alerts)
    if logs_in:
        story = story._replace(times=(*story.times[-rules.many :], event.at))
    if event.state == story.state:
        return story
    if logs_in:
        return story._replace(state=LOGGED_IN, since=event.at, stays=story.stays | {event.at})
    return story._replace(state=LOGGED_OUT, since=event.at, total=story.total + event.at - story.since)


def _alerts(story: Story, event: Event, rules: Rules) -> Iterable[Raised]:
    if event.state == LOGGED_OUT:
        if story.state == LOGGED_IN and event.at - story.since >= rules.too_long:
            yield stay_too_long(story.since, rules)
        return
    if story.state == LOGGED_IN:
        yield Raised("two-places", event.identity, event.at)
    before, after = story.times, (*story.times, event.at)
    if _are_many(after, rules) and not _are_many(before, rules):
        yield Raised("many-logins", event.identity, event.at)


def _are_many(times: Sequence[int], rules: Rules) -> bool:
    return len(times) >= rules.many and times[-1] - times[-rules.many] < rules.within


def stay_too_long(since: int, rules: Rules) -> Raised:
    """Give the alert that a stay was too long."""
    return Raised("too-long", str(since), since + rules.too_long)


Stories = set[Story | None]
"""All that may have become of a student."""


def apply_all(stories: Stories, both: Sequence[Sequence[Event]], rules: Rules) -> Stories:
    """Apply updates of both topics, in any order that keeps that of each topic."""
    student, inbox = both
    row: list[Stories] = []
    for taken in range(len(student) + 1):
        above, row = row, []
        for other in range(len(inbox) + 1):
            here: Stories = set() if taken or other else stories
            if taken:
                here = here | {go_on(story, student[taken - 1], rules) for story in above[other]}
            if other:
                here = here | {go_on(story, inbox[other - 1], rules) for story in row[other - 1]}
            row.append(here)
    return row[-1]
