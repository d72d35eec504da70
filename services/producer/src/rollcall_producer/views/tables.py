"""The tables of the view, and how records of the log become rows.

Each generation of what the worker derives has tables of its own: one can be filled while another serves.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import NamedTuple

from rollcall_domain import codec
from rollcall_domain.topics import ACTIVITY, ALERTS, STATE, Topic

VERSION = 1
"""Of what the tables are: a file with another one is built anew."""

COMMON = (
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID",
    "CREATE TABLE position(topic TEXT, partition INTEGER, next INTEGER, PRIMARY KEY(topic, partition)) WITHOUT ROWID",
    """CREATE TABLE alert(
        at INTEGER, id TEXT, rule TEXT, student_id TEXT, cause TEXT, detail TEXT, PRIMARY KEY(at, id)
    ) WITHOUT ROWID""",
)
"""Statements that make the tables of all generations."""

BLOCKS = (256, 32, 4, 1)
"""Rows that are written by one statement. SQLite works on it without Python: each further row but the first of a
statement spares the event loop a contest for the interpreter."""

Row = tuple[int | str, ...]


def own(generation: int) -> Sequence[str]:
    """Give the statements that make a generation's tables."""
    return (
        f"""CREATE TABLE record_{generation}(
            student_id TEXT PRIMARY KEY, state INTEGER, since INTEGER, seen INTEGER, logins INTEGER, total INTEGER,
            version INTEGER, inbox_version INTEGER
        ) WITHOUT ROWID""",
        f"""CREATE TABLE minute_{generation}(
            start INTEGER, partition INTEGER, logins INTEGER, logouts INTEGER, PRIMARY KEY(start, partition)
        ) WITHOUT ROWID""",
    )


def indexes(generation: int) -> Sequence[str]:
    """Give the statements that make a generation's indexes: once it is filled, which takes half the time then."""
    table = f"record_{generation}"
    return (
        f"CREATE INDEX IF NOT EXISTS {table}_by_state ON {table}(state, student_id)",
        f"CREATE INDEX IF NOT EXISTS {table}_by_since ON {table}(state, since, student_id)",
    )


def removal(generation: int) -> Sequence[str]:
    """Give the statements that remove a generation's tables."""
    return f"DROP TABLE IF EXISTS record_{generation}", f"DROP TABLE IF EXISTS minute_{generation}"


def erasure(generation: int) -> str:
    """Give the statement that erases a student."""
    return f"DELETE FROM record_{generation} WHERE student_id = ?"  # noqa: S608 - a number


class Target(NamedTuple):
    """Where the records of a topic go.

    Attributes:
        insertion: The statement up to the rows.
        conflict: The statement after them.
        width: Values of a row.
        key: How many of them, which come first, tell it from all others.
    """

    insertion: str
    conflict: str
    width: int
    key: int

    def statement(self, rows: int) -> str:
        """Give the statement for a number of rows."""
        row = f"({', '.join('?' * self.width)})"
        return f"{self.insertion} VALUES {', '.join([row] * rows)} {self.conflict}"


def target(topic: Topic, generation: int) -> Target:
    """Tell where the records of a topic go."""
    if topic is STATE:
        columns = ("state", "since", "seen", "logins", "total", "version", "inbox_version")
        return Target(f"INSERT INTO record_{generation}", _replacing("student_id", columns), 8, 1)
    if topic is ACTIVITY:
        return Target(f"INSERT INTO minute_{generation}", _replacing("start, partition", ("logins", "logouts")), 4, 2)
    return Target("INSERT INTO alert", "ON CONFLICT(at, id) DO NOTHING", 6, 2)


def _replacing(key: str, columns: Sequence[str]) -> str:
    return f"ON CONFLICT({key}) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in columns)}"


def row(topic: Topic, value: bytes) -> Row:
    """Read a record's value as a row.

    Raises:
        msgspec.DecodeError: It is none.
    """
    if topic is STATE:
        student = codec.decode_record(value)
        return (
            student.student_id,
            int(student.state),
            student.since,
            student.seen,
            student.logins,
            student.total,
            student.version,
            student.inbox_version,
        )
    if topic is ACTIVITY:
        minute = codec.decode_minute(value)
        return minute.start, minute.partition, minute.logins, minute.logouts
    assert topic is ALERTS  # noqa: S101 - there is no other
    alert = codec.decode_alert(value)
    return alert.at, alert.id, alert.rule, alert.student_id, alert.cause, alert.detail


def write(database: sqlite3.Connection, where: Target, rows: Iterable[Row]) -> None:
    """Write rows; those that come one after the other by their keys take less time."""
    iterator = iter(rows)
    while block := list(islice(iterator, BLOCKS[0])):
        begin = 0
        for size in BLOCKS:
            while len(block) - begin >= size:
                values = list(chain.from_iterable(block[begin : begin + size]))
                database.execute(where.statement(size), values)
                begin += size
