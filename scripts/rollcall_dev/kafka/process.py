"""A Java process, from launch to end."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rollcall_dev.kafka.errors import KafkaStartError
from rollcall_dev.leash import leashed

_POLL_INTERVAL = 0.02

# Would add options to every Java virtual machine that is started.
_FOREIGN_OPTIONS = {"JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"}

# Most telling first; of each kind, the last is the root of the trouble.
_BIND = re.compile(r"(failed to bind to .*)")
_THROWABLE = re.compile(r"^(?:Caused by: )?((?:\w+\.)+\w*(?:Exception|Error)\b.*)")
_ERROR = re.compile(r" ERROR \S+ - (.*)")
_NOISE = re.compile(r"^\s*$|^\[[\d.]+s\]|^WARNING: ")


class Process:
    """A running Java program, which ends with this process at the latest.

    It has a session of its own: Ctrl-C on the terminal must reach only this
    process, which then stops what it started in the right order.
    """

    name = "Java"
    """What people call the program."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        doomed: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Launch `command`.

        Args:
            command: The Java command line.
            log: The file that gets its output, after what is there already.
            doomed: A directory to remove should this process be killed.
            environ: What its environment has beside this process's.
        """
        self._log = log
        with log.open("ab") as output:
            self._log_start = output.tell()
            self._process = subprocess.Popen(
                leashed(command, doomed),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=log.parent,
                env={**_environment(), **(environ or {})},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id of the Java virtual machine."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def wait_until(self, ready: Callable[[], bool], timeout: float) -> None:
        """Ask again and again until the program is ready.

        Raises:
            KafkaStartError: The process ended, or it took longer.
        """
        deadline = time.monotonic() + timeout
        while not ready():
            if time.monotonic() > deadline:
                raise KafkaStartError(f"{self.name} was not ready in {timeout:g} s; see {self._log}")
            if self._ends_within(_POLL_INTERVAL):
                raise KafkaStartError(self._why_it_ended())

    def told(self) -> str:
        """Return what it has written since it was launched."""
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def wait(self) -> int:
        """Wait until the process ends, and return its exit status."""
        return self._process.wait()

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless the process has ended."""
        self._process.send_signal(number)

    def stop(self, timeout: float) -> None:
        """End the process: asked by SIGTERM, killed after `timeout` seconds."""
        self.send(signal.SIGTERM)
        # A stopped process handles no SIGTERM before it is continued.
        self.send(signal.SIGCONT)
        if not self._ends_within(timeout):
            self.kill()
        self._release()

    def kill(self) -> None:
        """End the process by SIGKILL."""
        self._process.kill()
        self._process.wait()
        self._release()

    def _release(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _ends_within(self, timeout: float) -> bool:
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _why_it_ended(self) -> str:
        lines = self.told().splitlines()
        status = self._process.returncode
        cause = f"killed by {signal.Signals(-status).name}" if status < 0 else _cause(lines)
        return f"{self.name} ended at its start: {cause or f'status {status}'}; see {self._log}"


def _environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in _FOREIGN_OPTIONS}
    # Else Java cannot name files beyond ASCII where the locale is C.
    return {**kept, "LC_ALL": "C.UTF-8"}


def _cause(lines: list[str]) -> str | None:
    for pattern in (_BIND, _THROWABLE, _ERROR):
        if found := [match[1] for line in lines if (match := pattern.search(line))]:
            return found[-1]
    return next((line for line in lines if not _NOISE.match(line)), None)
