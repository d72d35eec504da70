"""One of several processes that serve the API, as its parent has started it."""

import asyncio
import os
import shutil
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, Self

import msgspec
import structlog

VARIABLE = "_ROLLCALL_WORKER"
"""The environment variable that tells a process which worker it is, and what it was given. It is no setting."""

_READY = b"\1"
_ORPHANED = 1
"""The exit status of a worker whose parent has ended."""


class Worker(NamedTuple):
    """A worker.

    Attributes:
        number: Which one, from 1 on. A process that takes the place of another has its number.
        listener: The file descriptor of the socket where its connections come in.
        leash: The file descriptor of a socket whose other end its parent holds, and nobody else.
        directory: Where all workers count what metrics show.
    """

    number: int
    listener: int
    leash: int
    directory: str

    @classmethod
    def inherited(cls, environ: Mapping[str, str]) -> Self | None:
        """Tell which worker a process with this environment is; None if it was not started as one."""
        described = environ.get(VARIABLE)
        return None if described is None else msgspec.json.decode(described, type=cls)

    def environment(self) -> dict[str, str]:
        """Give what the process is to have in its environment."""
        return {VARIABLE: msgspec.json.encode(self).decode(), "PROMETHEUS_MULTIPROC_DIR": self.directory}

    def begin(self) -> None:
        """Have each line of the log name the worker, and end with the parent, however that comes about."""
        structlog.contextvars.bind_contextvars(worker=self.number)
        threading.Thread(target=self._end_with_parent, daemon=True).start()

    def heed_signals(self, stopping: asyncio.Event) -> None:
        """Take SIGTERM as often as it comes: from the parent, and from who ends all processes of a service at once."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)

    async def report(self, ready: Callable[[], Awaitable[object]]) -> None:
        """Tell the parent when the worker is ready for the first time."""
        await ready()
        os.write(self.leash, _READY)

    def _end_with_parent(self) -> None:
        leash = socket.socket(fileno=self.leash)
        leash.recv(1)  # nothing is ever sent: this returns when whoever holds the other end has ended
        shutil.rmtree(self.directory, ignore_errors=True)
        os._exit(_ORPHANED)
