"""Child processes whose logs are shown with their name before each line."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

from rollcall_dev.leash import leashed

Watcher = Callable[[str], None]
"""Is shown every line that a child logs."""

_COLOURS = {"producer": 36, "consumer": 35, "kafka": 33, "rollcall": 32, "school": 34}
_LINE_LIMIT = 1024 * 1024


def show(name: str, line: str) -> None:
    """Print a line of a process's log, after its name."""
    try:
        print(f"{_prefix(name)} {line}", flush=True)
    except BrokenPipeError:  # nobody reads along any more, so there is nobody to run for
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - for the rest of the process
        signal.raise_signal(signal.SIGTERM)


def _prefix(name: str) -> str:
    text = f"{name:<11}|"
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return text
    return f"\033[{_COLOURS.get(name.split('-', maxsplit=1)[0], 37)}m{text}\033[0m"


def how(status: int) -> str:
    """Say how a process has ended, by its exit status."""
    return f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"


class Child:
    """A Python module that runs as a process of its own.

    Attributes:
        name: What it is called in the log.
        last: The last line that it logged.
    """

    def __init__(self, name: str, process: asyncio.subprocess.Process, watch: Watcher | None) -> None:
        self.name = name
        self.last = ""
        self._process = process
        self._watch = watch
        self._log = asyncio.create_task(self._follow())

    async def ended(self) -> str:
        """Wait until the process has ended by itself, and say how."""
        status = await self._process.wait()
        await self._log
        return f"{self.name} ended {how(status)}: {self.last}"

    async def stop(self, grace: float) -> None:
        """End the process with SIGTERM, and without mercy after a time of grace in seconds."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(grace):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
        await self._log

    async def _follow(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - asked for below
        async for raw in self._process.stdout:
            self.last = raw.decode(errors="replace").rstrip()
            show(self.name, self.last)
            if self._watch is not None:
                self._watch(self.last)


@contextlib.asynccontextmanager
async def running(
    name: str, arguments: list[str], environ: Mapping[str, str], *, grace: float, watch: Watcher | None = None
) -> AsyncIterator[Child]:
    """Run a Python module as a process while the body runs.

    Args:
        name: What to call it in the log.
        arguments: The module, and its arguments.
        environ: Its environment.
        grace: Seconds that it gets to end in.
        watch: Is shown what it logs.
    """
    process = await asyncio.create_subprocess_exec(
        *leashed([sys.executable, "-m", *arguments]),
        env=environ,
        stdin=asyncio.subprocess.PIPE,  # the leash
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=_LINE_LIMIT,
        start_new_session=True,  # Ctrl-C is for the parent, which ends its children in order
    )
    child = Child(name, process, watch)
    try:
        yield child
    finally:
        await child.stop(grace)
