"""Several processes that serve the API at one address, and the parent that starts, replaces and ends them."""

import asyncio
import contextlib
import os
import signal
import socket
import sys

import structlog

from rollcall_domain.service.server import listen, url_of
from rollcall_producer.service import ANSWERING, configure
from rollcall_producer.settings import ProducerSettings
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
    """

    def __init__(self, number: int, listener: socket.socket) -> None:
        self._number = number
        self._listener = listener
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
            with end:
                try:
                    process = self._process = await self._start(
                        Worker(self._number, self._listener.fileno(), end.fileno())
                    )
                except OSError as error:
                    log.error("Can't start a worker", worker=self._number, reason=error.strerror)  # noqa: TRY400 - one line
                    return _EX_OSERR, False
            log.info("Started a worker", worker=self._number, pid=process.pid)
            if self._dismissed.is_set():
                self.send(signal.SIGTERM)
            ready = await asyncio.get_running_loop().sock_recv(leash, 1)  # returns nothing once the worker has ended
            return await process.wait(), bool(ready)

    async def _start(self, worker: Worker) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # what lies about in the current directory is none of our modules
            "-m",
            "rollcall_producer",
            env={**os.environ, **worker.environment()},
            pass_fds=[worker.listener, worker.leash],
            start_new_session=True,  # Ctrl-C is for the parent
        )

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the worker, if there is one."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def dismiss(self) -> None:
        """Let the worker finish the requests in hand, and have no other in its place."""
        self._dismissed.set()
        self.send(signal.SIGTERM)


def _how(status: int) -> str:
    return f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"


async def supervise(settings: ProducerSettings, stopping: asyncio.Event) -> int:
    """Have several workers serve until the event is set; then have them finish the requests in hand.

    Returns:
        The exit status: 0, or that of a worker that could not start.

    Raises:
        ConfigurationError: A setting, or a file that one names, can't be used; or the address can't be listened on.
    """
    edge = configure(settings)
    listeners = listen(settings, settings.workers)
    posts = [_Post(number, listener) for number, listener in enumerate(listeners, 1)]
    if not edge.access.open:
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _send_all, posts, signal.SIGHUP)
    log.info("Serving HTTP", url=url_of(listeners[0], edge.tls))
    keepers = [asyncio.create_task(post.keep()) for post in posts]
    await asyncio.wait([asyncio.create_task(stopping.wait()), *keepers], return_when=asyncio.FIRST_COMPLETED)
    log.info("Shutting down")
    for listener in listeners:
        listener.close()
    for post in posts:
        post.dismiss()
    grace = settings.shutdown_delay_seconds + settings.deadline_seconds + ANSWERING + CLOSING
    _, late = await asyncio.wait(keepers, timeout=grace)
    if late:
        log.error("Killing workers that do not end", workers=len(late))
        _send_all(posts, signal.SIGKILL)
    statuses = await asyncio.gather(*keepers)
    log.info("Stopped")
    return next(filter(None, statuses), 0)


def _send_all(posts: list[_Post], number: signal.Signals) -> None:
    for post in posts:
        post.send(number)
