"""The file that the view is kept in, as it is written: rows, and the offsets that they reflect, in one transaction."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import time
from typing import NamedTuple

import msgspec
import structlog
from aiokafka import TopicPartition

from rollcall_domain.service.records import Record
from rollcall_domain.topics import ACTIVITY, ALERTS, STATE, Topic
from rollcall_producer.views import tables
from rollcall_producer.views.tables import Row

log = structlog.get_logger()

CACHE = 64 * 1024
"""KiB of pages that are kept in memory."""

CHECKPOINT = 10_000
"""Pages of the write-ahead log after which they go into the file: the more of them, the fewer are written twice."""

PRUNING = 600.0
"""Seconds between looks for rows that are too old."""

_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Identity(msgspec.Struct, frozen=True):
    """What a file is a view of; one that is a view of anything else is built anew.

    Attributes:
        cluster: Kafka's own name of the cluster.
        prefix: What is put before all names.
        group: The consumer group.
        partitions: Partitions of each topic.
        version: Of the tables.
    """

    cluster: str
    prefix: str
    group: str
    partitions: int
    version: int = tables.VERSION


class Load(NamedTuple):
    """Records of a partition that are to become rows.

    Attributes:
        partition: Which one.
        topic: The topic as it is declared.
        generation: The generation that it belongs to.
        pieces: The records, in order.
        next: The offset that comes after them.
    """

    partition: TopicPartition
    topic: Topic
    generation: int
    pieces: Iterable[Sequence[Record]]
    next: int


class Store:
    """The file as it is written, by one thread of one process at a time.

    It is not synchronized with the disk at each commit, which would take half the time: that harms nothing when the
    process ends, however it does. What the file is worth after the machine has failed can't be told, and so one that
    was not closed in order is built anew where the machine has started again since.

    Args:
        path: The file.
        identity: What it is to be a view of.
        anew: Whether what it has is of no use.

    Raises:
        sqlite3.Error: By any method, where the file can't be written.
    """

    def __init__(self, path: Path, identity: Identity, *, anew: bool = False) -> None:
        self._path = path
        self._identity = identity
        self._pruned = 0.0
        self._database = self._create("its topics were made anew") if anew else self._open()

    def _open(self) -> sqlite3.Connection:
        if not self._path.exists() or not self._path.stat().st_size:
            return self._create("there was none")
        database = _connect(self._path)
        try:
            _tune(database)
            fault = self._fault(database)
        except sqlite3.DatabaseError as error:
            fault = str(error)
        if fault is None:
            self._stamp(database)
            return database
        database.close()
        return self._create(fault)

    def _create(self, reason: str) -> sqlite3.Connection:
        log.info("Building the view anew", file=str(self._path), reason=reason)
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        database = _connect(self._path)
        _tune(database)
        with _transaction(database):
            for statement in tables.COMMON:
                database.execute(statement)
            _set(database, "identity", msgspec.json.encode(self._identity).decode())
        self._stamp(database)
        return database

    def _fault(self, database: sqlite3.Connection) -> str | None:
        """Tell why a file can't be used, or None."""
        try:
            known = dict(database.execute("SELECT name, value FROM meta"))
        except sqlite3.OperationalError:
            return "it is no view"
        if known.get("identity") != msgspec.json.encode(self._identity).decode():
            return "it is a view of something else"
        if float(known.get("current", time())) < time() - int(STATE.settings["delete.retention.ms"]) / 1000:
            return "it is so old that who was to be forgotten meanwhile is not known any more"
        ((checked,),) = database.execute("PRAGMA quick_check(1)")
        if checked != "ok":
            return str(checked)
        if not known.get("closed") and known.get("boot") != _boot():
            return "it was not closed before the machine started again"
        return None

    def _stamp(self, database: sqlite3.Connection) -> None:
        with _transaction(database):
            _set(database, "boot", _boot())
            _set(database, "closed", 0)

    @property
    def serving(self) -> int | None:
        """The generation that reads are answered from; None if there is none yet."""
        found: int | None = _get(self._database, "generation")
        return found

    def positions(self) -> dict[TopicPartition, int]:
        """Tell for each partition the offset that comes after what the file reflects."""
        rows = self._database.execute("SELECT topic, partition, next FROM position")
        return {TopicPartition(topic, partition): offset for topic, partition, offset in rows}

    def prepare(self, generation: int) -> None:
        """Make the tables of a generation, if there are none."""
        if not _exists(self._database, f"record_{generation}"):
            with _transaction(self._database):
                for statement in tables.own(generation):
                    self._database.execute(statement)

    def serve(self, generation: int) -> None:
        """Answer reads from a generation from now on."""
        with _transaction(self._database):
            for statement in tables.indexes(generation):
                self._database.execute(statement)
            _set(self._database, "generation", generation)

    def note_current(self, time: float) -> None:
        """Note the time at which the file reflected all that there was, in seconds since 1970."""
        with _transaction(self._database):
            _set(self._database, "current", time)

    def remove(self, generation: int, topics: Sequence[str]) -> None:
        """Remove a generation, and how far its topics were read."""
        with _transaction(self._database):
            for statement in tables.removal(generation):
                self._database.execute(statement)
            self._database.executemany("DELETE FROM position WHERE topic = ?", [(topic,) for topic in topics])

    def generations(self) -> set[int]:
        """Tell which generations have tables."""
        found = self._database.execute(
            "SELECT name FROM sqlite_schema WHERE name GLOB 'record_[0-9]*' AND type = 'table'"
        )
        return {int(name.removeprefix("record_")) for (name,) in found}

    def apply(self, loads: Sequence[Load]) -> None:
        """Take in records, and note how far they reach, in one transaction."""
        with _transaction(self._database):
            alike: dict[tuple[str, int], list[Load]] = {}
            for load in loads:
                alike.setdefault((load.topic.name, load.generation), []).append(load)
            for group in alike.values():
                self._write(group)
            self._note({load.partition: load.next for load in loads})
            self._prune()

    def _note(self, positions: Mapping[TopicPartition, int]) -> None:
        self._database.executemany(
            "INSERT OR REPLACE INTO position VALUES (?, ?, ?)",
            [(partition.topic, partition.partition, offset) for partition, offset in positions.items()],
        )

    def _write(self, loads: Sequence[Load]) -> None:
        """Write the latest row of each key, in the order of keys: they lie together in the file."""
        where = tables.target(loads[0].topic, loads[0].generation)
        latest: dict[Row, Row | None] = {}
        for load in loads:
            for piece in load.pieces:
                latest.update(_rows(load, piece, where.key))
        ordered = [latest[key] for key in sorted(latest)]
        tables.write(self._database, where, [row for row in ordered if row is not None])
        erased = [key for key, row in latest.items() if row is None]
        if erased:
            self._database.executemany(tables.erasure(loads[0].generation), erased)

    def _prune(self) -> None:
        """Remove rows that Kafka does not keep either."""
        now = time()
        if now - self._pruned < PRUNING:
            return
        self._pruned = now
        self._database.execute("DELETE FROM alert WHERE at < ?", (_horizon(ALERTS, now),))
        for generation in self.generations():
            self._database.execute(f"DELETE FROM minute_{generation} WHERE start < ?", (_horizon(ACTIVITY, now),))  # noqa: S608 - as above

    def close(self) -> None:
        """Close the file in order: it can be used after whatever becomes of the machine."""
        database = self._database
        with suppress(sqlite3.Error):
            database.execute("PRAGMA synchronous = FULL")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            with _transaction(database):
                _set(database, "closed", 1)
        database.close()


def _rows(load: Load, records: Sequence[Record], width: int) -> Iterator[tuple[Row, Row | None]]:
    """Read records as rows by their keys, or as none where a student is to be forgotten: their key has no value.

    What the worker has not written is passed over.
    """
    for record in records:
        if record.value:
            try:
                row = tables.row(load.topic, record.value)
            except msgspec.DecodeError as error:
                topic, partition = load.partition
                log.warning("Passed over", topic=topic, partition=partition, offset=record.offset, reason=str(error))
            else:
                yield row[:width], row
        elif load.topic is STATE and record.key:
            yield (record.key.decode(errors="replace"),), None


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=64)


def _tune(database: sqlite3.Connection) -> None:
    for pragma in (
        "journal_mode = WAL",
        "synchronous = OFF",
        f"cache_size = -{CACHE}",
        f"wal_autocheckpoint = {CHECKPOINT}",
        f"journal_size_limit = {CHECKPOINT * 4096}",
        "temp_store = MEMORY",
    ):
        database.execute(f"PRAGMA {pragma}")


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _get(database: sqlite3.Connection, name: str) -> int | None:
    found = database.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return None if found is None else found[0]


def _set(database: sqlite3.Connection, name: str, value: str | float) -> None:
    database.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))


def _exists(database: sqlite3.Connection, table: str) -> bool:
    return database.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (table,)).fetchone() is not None


def _boot() -> str:
    """Tell since when the machine runs, or nothing that is ever the same again."""
    try:
        return _BOOT.read_text("ascii")
    except OSError:
        return str(time())


def _horizon(topic: Topic, now: float) -> int:
    return int(now * 1000) - int(topic.settings["retention.ms"])
