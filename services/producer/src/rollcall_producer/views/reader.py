"""The view as it is read: by threads, so that nobody waits who does not ask for it."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

from rollcall_producer.errors import UnreadableViewError

T = TypeVar("T")

THREADS = 2
"""Reads that are answered at a time."""

CACHE = 8 * 1024
"""KiB of pages that each of them keeps in memory."""


class Snapshot(NamedTuple):
    """The view as it is at a moment, for the time of a read.

    Attributes:
        database: Where it is read.
        generation: The generation that serves.
    """

    database: sqlite3.Connection
    generation: int


class _Handle(threading.local):
    """A thread's own connection, and the file that it is to."""

    database: sqlite3.Connection | None = None
    inode = 0


class Reader:
    """Answers reads.

    Args:
        path: The file of the view. Whoever writes it may put another one in its place.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = _Handle()
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="view")

    async def read(self, query: Callable[[Snapshot], T]) -> T:
        """Run a query.

        Raises:
            UnreadableViewError: There is nothing to read yet, or the file can't be read.
        """
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._run, query)

    def _run(self, query: Callable[[Snapshot], T]) -> T:
        try:
            database = self._connected()
            database.execute("BEGIN")
            try:
                found = database.execute("SELECT value FROM meta WHERE name = 'generation'").fetchone()
                if found is None:
                    raise UnreadableViewError("the view is being built")
                return query(Snapshot(database, found[0]))
            finally:
                database.execute("ROLLBACK")
        except (sqlite3.Error, OSError) as error:
            self._disconnect()
            raise UnreadableViewError(f"the view can't be read: {error}") from error

    def _connected(self) -> sqlite3.Connection:
        """Give a connection to the file as it is there now."""
        inode = os.stat(self._path).st_ino  # noqa: PTH116 - takes a quarter of the time
        if self._handle.database is None or self._handle.inode != inode:
            self._disconnect()
            address = f"{self._path.absolute().as_uri()}?mode=ro"
            database = sqlite3.connect(address, uri=True, isolation_level=None, cached_statements=64)
            database.execute(f"PRAGMA cache_size = -{CACHE}")
            self._handle.database, self._handle.inode = database, inode
        return self._handle.database

    def _disconnect(self) -> None:
        if self._handle.database is not None:
            self._handle.database.close()
            self._handle.database = None

    def close(self) -> None:
        """Answer no further reads."""
        self._executor.shutdown(wait=True, cancel_futures=True)
