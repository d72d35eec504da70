"""The ledgers of workers: a file for each process, with a line for each try that begins and for what comes of it."""

import os
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from time import monotonic_ns
from typing import NamedTuple

from rollcall_consumer.runtime.effects.effect import Delivery
from rollcall_domain.alert import Alert


class Mark(StrEnum):
    """What is noted of a try: that it has begun, has succeeded or failed, or was cut short."""

    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"
    CUT = "cut"


class Entry(NamedTuple):
    """A line of a ledger.

    Attributes:
        at: When, in nanoseconds of the monotonic clock, which is the same for all processes.
        mark: What is noted.
        alert: The alert's id.
        attempt: Which try it is.
        delivery: How the runtime calls the record.
        process: The process's id.
    """

    at: int
    mark: Mark
    alert: str
    attempt: int
    delivery: str
    process: int


class Ledger:
    """The ledger of this process. What is written to it is kept, also if the process is killed.

    Args:
        directory: The directory for ledgers.
    """

    def __init__(self, directory: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._file = os.open(_file_of(directory, os.getpid()), flags, 0o644)

    def note(self, mark: Mark, delivery: Delivery[Alert]) -> None:
        """Note something of a try."""
        line = f"{monotonic_ns()} {mark} {delivery.event.id} {delivery.attempt} {delivery.id}\n"
        os.write(self._file, line.encode())

    def close(self) -> None:
        """Note no more."""
        os.close(self._file)


def size(directory: Path, process: int) -> int:
    """Tell how much a process has noted, in bytes."""
    file = _file_of(directory, process)
    return file.stat().st_size if file.exists() else 0


def read(directory: Path) -> Sequence[Entry]:
    """Read all ledgers, in the order of time."""
    return sorted(entry for file in directory.iterdir() for entry in _read(file))


def _file_of(directory: Path, process: int) -> Path:
    return directory / str(process)


def _read(file: Path) -> Sequence[Entry]:
    whole = file.read_text().rpartition("\n")[0]  # who was killed while writing a line has not done what it says
    lines = [line.split(" ") for line in whole.splitlines()]
    process = int(file.name)
    return [
        Entry(int(at), Mark(mark), alert, int(attempt), delivery, process)
        for at, mark, alert, attempt, delivery in lines
    ]
