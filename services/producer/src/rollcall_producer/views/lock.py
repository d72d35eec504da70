"""Which of several processes writes a file: the one that has its lock. The system takes it from one that has ended."""

import asyncio
import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

RETRY = 0.5
"""Seconds between tries to have the lock."""


class Lock:
    """The lock of a file, from the moment at which nobody else has it.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f"{path.name}.lock")
        self._descriptor = -1

    async def __aenter__(self) -> Self:
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not self._try():  # noqa: ASYNC110 - the system does not tell
                await asyncio.sleep(RETRY)
        except BaseException:
            os.close(self._descriptor)
            raise
        return self

    def _try(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self._descriptor)
