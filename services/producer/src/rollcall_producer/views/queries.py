"""What can be asked of the view, in SQL."""

from collections.abc import Sequence
from typing import NamedTuple

from aiokafka import TopicPartition

from rollcall_domain.activity import Minute
from rollcall_domain.alert import Alert
from rollcall_domain.events import State
from rollcall_domain.record import StudentRecord
from rollcall_producer.views.reader import Snapshot

_COLUMNS = "student_id, state, since, seen, logins, total, version, inbox_version"
_LAST = "\U0010ffff"
"""Comes after whatever a StudentId may go on with."""


class Found(NamedTuple):
    """A student's record as the view has it.

    Attributes:
        record: The record, without what only rules need.
        generation: The generation that it is of.
    """

    record: StudentRecord
    generation: int


class Wanted(NamedTuple):
    """Which records are wanted.

    Attributes:
        state: Those with this state; None for any.
        since: Those whose state began at that time or later, in milliseconds since 1970, UTC; None for any.
        prefix: Those of students whose id begins like that.
    """

    state: State | None = None
    since: int | None = None
    prefix: str = ""


class After(NamedTuple):
    """The last record of a page: the next one begins behind it.

    Attributes:
        since: When its state began.
        student_id: Whose it is.
    """

    since: int
    student_id: str


def record(snapshot: Snapshot, student_id: str) -> Found | None:
    """Find a student's record."""
    table = f"record_{snapshot.generation}"
    found = snapshot.database.execute(f"SELECT {_COLUMNS} FROM {table} WHERE student_id = ?", (student_id,)).fetchone()  # noqa: S608 - a number
    return None if found is None else Found(_record(found), snapshot.generation)


def records(snapshot: Snapshot, wanted: Wanted, after: After | None, limit: int) -> list[StudentRecord]:
    """Find records: by StudentId; or, where it matters since when, by that and then by StudentId."""
    if wanted.since is None:
        conditions, values = _conditions(wanted)
        if after is not None:
            conditions.append("student_id > ?")
            values.append(after.student_id)
        return _select(snapshot, conditions, values, "student_id", limit)
    found: list[StudentRecord] = []
    for state in State if wanted.state is None else (wanted.state,):  # each of them has an index that is in order
        conditions, values = _conditions(wanted._replace(state=state))
        if after is not None:
            conditions.append("(since, student_id) > (?, ?)")
            values += after
        found += _select(snapshot, conditions, values, "since, student_id", limit)
    return sorted(found, key=lambda record: (record.since, record.student_id.encode()))[:limit]


def count(snapshot: Snapshot, wanted: Wanted) -> int:
    """Count records."""
    conditions, values = _conditions(wanted)
    number: int = snapshot.database.execute(
        f"SELECT count(*) FROM record_{snapshot.generation} {_where(conditions)}",  # noqa: S608 - ours
        values,
    ).fetchone()[0]
    return number


def _conditions(wanted: Wanted) -> tuple[list[str], list[int | str]]:
    conditions: list[str] = []
    values: list[int | str] = []
    if wanted.state is not None:
        conditions.append("state = ?")
        values.append(int(wanted.state))
    if wanted.since is not None:
        conditions.append("since >= ?")
        values.append(wanted.since)
    if wanted.prefix:
        conditions.append("student_id BETWEEN ? AND ?")
        values += (wanted.prefix, wanted.prefix + _LAST)
    return conditions, values


def _where(conditions: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _select(
    snapshot: Snapshot, conditions: Sequence[str], values: Sequence[int | str], order: str, limit: int
) -> list[StudentRecord]:
    table = f"record_{snapshot.generation}"
    found = snapshot.database.execute(
        f"SELECT {_COLUMNS} FROM {table} {_where(conditions)} ORDER BY {order} LIMIT ?",  # noqa: S608 - ours
        (*values, limit),
    )
    return [_record(row) for row in found]


def _record(row: tuple[str, int, int, int, int, int, int, int]) -> StudentRecord:
    student_id, state, since, seen, logins, total, version, inbox_version = row
    return StudentRecord(student_id, State(state), since, seen, logins, total, version, inbox_version)


def minutes(snapshot: Snapshot, begin: int, end: int) -> list[Minute]:
    """Sum up each minute that began within a time, over all partitions.

    Args:
        snapshot: The view.
        begin: The first time, in milliseconds since 1970, UTC.
        end: The first time that is not within it any more.
    """
    found = snapshot.database.execute(
        f"SELECT start, sum(logins), sum(logouts) FROM minute_{snapshot.generation} "  # noqa: S608 - a number
        "WHERE start >= ? AND start < ? GROUP BY start",
        (begin, end),
    )
    return [Minute(0, start, logins, logouts) for start, logins, logouts in found]


class Behind(NamedTuple):
    """The last alert of a page: the next one begins behind it.

    Attributes:
        at: When it was raised.
        id: Its id.
    """

    at: int
    id: str


def alerts(snapshot: Snapshot, begin: int, after: Behind | None, limit: int) -> list[Alert]:
    """Find alerts from a time on, in milliseconds since 1970, UTC; the latest first."""
    condition, values = ("AND (at, id) < (?, ?)", [*after]) if after is not None else ("", [])
    found = snapshot.database.execute(
        f"SELECT id, rule, student_id, at, cause, detail FROM alert WHERE at >= ? {condition} "  # noqa: S608 - ours
        "ORDER BY at DESC, id DESC LIMIT ?",
        (begin, *values, limit),
    )
    return [Alert(*row) for row in found]


def positions(snapshot: Snapshot) -> dict[TopicPartition, int]:
    """Tell for each partition the offset that comes after what the view reflects."""
    found = snapshot.database.execute("SELECT topic, partition, next FROM position")
    return {TopicPartition(topic, partition): offset for topic, partition, offset in found}


def current(snapshot: Snapshot) -> float:
    """Tell when the view was known to reflect all that there was, in seconds since 1970; 0 if it never was."""
    found = snapshot.database.execute("SELECT value FROM meta WHERE name = 'current'").fetchone()
    return 0.0 if found is None else found[0]
