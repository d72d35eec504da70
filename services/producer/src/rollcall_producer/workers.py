"""Several processes that serve the API at one address, and the parent that starts, replaces and ends them."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from pathlib import Path

import structlog

from rollcall_domain.service.server import listen, url_of
from rollcall_domain.service.settings import env_name
from rollcall_producer import registry
from rollcall_producer.service import ANSWERING, configure
from rollcall_producer.settings import ProducerSettings
from rollcall_producer.shown import file_of
from rollcall_producer.worker import Worker

log = structlog.get_logger()

BACKOFF = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Seconds until a worker is replaced, by how many in a row were never ready; the last one is repeated."""

CLOSING = 10.0
"""Seconds that a worker gets, beyond those for its requests, to close its connections and end."""

_EX_OSERR = 71


class _Post:
    """The place of a worker: whoever has it at present, and whoever takes it next.

    Args:
        number: The worker's number.
        listener: Where its connections come in. What waits there while nobody has the place waits for the next one.
        directory: Where all workers count.
        view: The file that one of them keeps the view in, for all.
    """

    def __init__(self, number: int, listener: socket.socket, directory: str, view: Path) -> None:
        self._number = number
        self._listener = listener
        self._directory = directory
        self._view = view
        self._process: asyncio.subprocess.Process | None = None
        self._dismissed = asyncio.Event()

    async def keep(self) -> int:
        """Keep a worker at work until that is no longer wanted.

        Returns:
            An exit status: 0, or that of a worker that has failed before any in its place was ready, as all would.
        """
        proven, failures = False, 0
        while True:
            status, ready = await self._run()
            if self._dismissed.is_set():
                return 0
            proven |= ready
            if status > 0 and not proven:
                return status
            failures = 0 if ready else failures + 1
            pause = BACKOFF[min(failures, len(BACKOFF) - 1)]
            log.warning("Replacing a worker", worker=self._number, ended=_how(status), after_seconds=pause)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._dismissed.wait()
                return 0

    async def _run(self) -> tuple[int, bool]:
        """Run a worker; give its exit status, and whether it was ever ready."""
        leash, end = socket.socketpair()
        leash.setblocking(False)
        with leash:
            try:
                with end:
                    worker = Worker(self._number, self._listener.fileno(), end.fileno(), self._directory)
                    process = self._process = await _start(worker, self._view)
            except OSError as error:
                log.error("Can't start a worker", worker=self._number, reason=error.strerror)  # noqa: TRY400 - one line
                return _EX_OSERR, False
            log.info("Started a worker", worker=self._number, pid=process.pid)
            registry.enter(self._directory, self._number, process.pid)
            if self._dismissed.is_set():
                self.send(signal.SIGTERM)
            ready = await asyncio.get_running_loop().sock_recv(leash, 1)  # gives nothing once the worker has ended
            status = await process.wait()
            registry.leave(self._directory, self._number)
            return status, bool(ready)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the worker, if there is one."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def dismiss(self) -> None:
        """Let the worker finish the requests in hand, and have no other in its place."""
        self._dismissed.set()
        self.send(signal.SIGTERM)


async def _start(worker: Worker, view: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # what lies about in the current directory is none of our modules
        "-m",
        "rollcall_producer",
        env={**os.environ, **worker.environment(), env_name("views_file"): str(view)},
        pass_fds=[worker.listener, worker.leash],
        start_new_session=True,  # Ctrl-C is for the parent
    )


def _how(status: int) -> str:
    return f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"


async def supervise(settings: ProducerSettings, stopping: asyncio.Event) -> int:
    """Have several workers serve until the event is set; then have them finish the requests in hand.

    Returns:
        The exit status: 0, or that of a worker that could not start.

    Raises:
        ConfigurationError: A setting, or a file that one names, can't be used; the address can't be listened on; or
            there is no place for metrics.
    """
    edge = configure(settings)
    with registry.make_directory() as directory, file_of(settings) as view:
        listeners = listen(settings, settings.workers)
        posts = [_Post(number, listener, directory, view) for number, listener in enumerate(listeners, 1)]
        if not edge.access.open:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _send_all, posts, signal.SIGHUP)
        log.info("Serving HTTP", url=url_of(listeners[0], edge.tls))
        keepers = [asyncio.create_task(post.keep()) for post in posts]
        await asyncio.wait([asyncio.create_task(stopping.wait()), *keepers], return_when=asyncio.FIRST_COMPLETED)
        log.info("Shutting down")
        for listener in listeners:
            listener.close()
        await _dismiss(posts, keepers, settings.shutdown_delay_seconds + settings.deadline_seconds + ANSWERING)
    log.info("Stopped")
    return next((status for keeper in keepers if (status := keeper.result())), 0)


async def _dismiss(posts: list[_Post], keepers: list[asyncio.Task[int]], grace: float) -> None:
    """End all workers: with SIGTERM, and without mercy where that does not do in time."""
    for post in posts:
        post.dismiss()
    _, late = await asyncio.wait(keepers, timeout=grace + CLOSING)
    if late:
        log.error("Killing workers that do not end", workers=len(late))
        _send_all(posts, signal.SIGKILL)
        await asyncio.wait(late)


def _send_all(posts: list[_Post], number: signal.Signals) -> None:
    for post in posts:
        post.send(number)
