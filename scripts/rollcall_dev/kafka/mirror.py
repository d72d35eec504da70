"""MirrorMaker: a process that copies a topic from one cluster to another, as `deploy/mirror.properties` says."""

import re
import signal
from pathlib import Path

from rollcall_dev.environment import ROOT
from rollcall_dev.kafka.config import MirrorConfig, mirror_environment
from rollcall_dev.kafka.errors import KafkaStartError
from rollcall_dev.kafka.installation import install_mirror
from rollcall_dev.kafka.jars import MIRROR_PINS, PINS
from rollcall_dev.kafka.process import Process
from rollcall_dev.kafka.progress import Progress

PROPERTIES = ROOT / "deploy/mirror.properties"

_MAIN = "org.apache.kafka.connect.mirror.MirrorMaker"
_COPIES = re.compile(r"MirrorSourceConnector-\d+\} Source task finished initialization and start")
_FAILED = re.compile(r"MirrorSourceConnector-\d+\} Task threw an uncaught and unrecoverable exception")
_NOT_STARTED = "the mirror was not started"


class _MirrorMaker(Process):
    name = "MirrorMaker"

    @property
    def copies(self) -> bool:
        return _COPIES.search(self.told()) is not None


class Mirror:
    """A MirrorMaker that can be started, stopped and hurt.

    The topic has to be there, or it never is ready. Not safe for use by
    several threads at once.
    """

    def __init__(self, config: MirrorConfig, log: Path, *, progress: Progress | None = None) -> None:
        """Plan a mirror; nothing is started yet.

        Args:
            config: What it is to be.
            log: The file for what it says at all its starts.
            progress: Told if something has to be fetched.
        """
        self.config = config
        self.log = log
        self._progress = progress or Progress()
        self._process: _MirrorMaker | None = None

    @property
    def running(self) -> bool:
        """Whether its process is there, be it paused."""
        return self._process is not None and self._process.running

    @property
    def failed(self) -> bool:
        """Whether it has given up copying, which it does not without a cause that lasts; its process stays."""
        return _FAILED.search(self._launched().told()) is not None

    def start(self) -> None:
        """Launch, unless it runs, and wait until it copies.

        Raises:
            KafkaStartError: It does not, or it is not cached and could not be fetched.
        """
        if not self.running:
            runtime = install_mirror(self._progress)
            options = [*self.config.jvm_options, f"-XX:AOTCache={runtime.archive}"]
            command = runtime.command(_MAIN, str(PROPERTIES), options=options, pins=(PINS, MIRROR_PINS))
            self._process = _MirrorMaker(command, self.log, environ=mirror_environment(self.config))
        launched = self._launched()
        try:
            launched.wait_until(lambda: launched.copies, self.config.start_timeout)
        except KafkaStartError:
            launched.kill()
            raise

    def stop(self) -> None:
        """Stop as an operator would."""
        if self._process is not None:
            self._process.stop(self.config.stop_timeout)

    def kill(self) -> None:
        """Pull the plug: SIGKILL."""
        self._launched().kill()

    def pause(self) -> None:
        """Freeze the process: it copies nothing, until it is killed or stopped."""
        self._launched().send(signal.SIGSTOP)

    def _launched(self) -> _MirrorMaker:
        if self._process is None:
            raise RuntimeError(_NOT_STARTED)
        return self._process
