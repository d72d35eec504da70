"""One Kafka broker: its data and its life cycle."""

import fcntl
import shutil
import signal
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from rollcall_dev.kafka import config as settings
from rollcall_dev.kafka import ports, storage
from rollcall_dev.kafka.config import BrokerConfig
from rollcall_dev.kafka.directories import filling
from rollcall_dev.kafka.errors import KafkaStartError
from rollcall_dev.kafka.installation import install
from rollcall_dev.kafka.progress import Progress
from rollcall_dev.kafka.runtime import Runtime
from rollcall_dev.kafka.server import Server

# Under this Kafka cannot even make the files of its first topics.
_SPACE = 64 * 1024 * 1024
_NOT_STARTED = "the broker was not started"


class Broker:
    """A broker that can be started, stopped and hurt.

    Ports and data are the same at every start. As a context manager it starts
    on entry and closes on exit. Not safe for use by several threads at once.
    """

    def __init__(self, config: BrokerConfig | None = None, *, progress: Progress | None = None) -> None:
        """Plan a broker; nothing is started or written yet."""
        self.config = config or BrokerConfig()
        self._progress = progress or Progress()
        self._directory = self.config.data and self.config.data.absolute()
        self._server: Server | None = None
        self._failed = False
        self._claim: IO[bytes] | None = None

    def __enter__(self) -> Self:
        """Start."""
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    @property
    def bootstrap_servers(self) -> str:
        """Where clients connect."""
        return self.config.node.bootstrap_servers

    @property
    def directory(self) -> Path:
        """The directory of the broker's data, log and properties.

        Raises:
            RuntimeError: It is a temporary one, and not made before the start.
        """
        if self._directory is None:
            raise RuntimeError(_NOT_STARTED)
        return self._directory

    @property
    def log(self) -> Path:
        """The file with what the broker said at all its starts."""
        return self.directory / "kafka.log"

    @property
    def running(self) -> bool:
        """Whether the broker's process is there, be it paused."""
        return self._server is not None and self._server.running

    @property
    def pid(self) -> int:
        """The process id of the broker.

        Raises:
            RuntimeError: It was not started.
        """
        return self._launched().pid

    def start(self) -> None:
        """Launch, and wait until clients can use the broker.

        Raises:
            KafkaStartError: They will not be able to.
        """
        self.launch()
        self.wait_ready()

    def launch(self) -> None:
        """Start the process, unless it runs.

        Raises:
            KafkaStartError: A port is in use, the data has no place, or Kafka
                is not cached and could not be fetched.
        """
        if self.running:
            return
        further = (listener.port for listener in self.config.listeners)
        for port in (self.config.node.port, self.config.node.controller_port, *further):
            ports.check(port)
        runtime = install(self._progress)
        with filling(self._directory or Path(tempfile.gettempdir()), _SPACE):
            if self._directory is None:
                self._directory = Path(tempfile.mkdtemp(prefix="rollcall-kafka-"))
            self._claim_directory()
            command = self._prepare(runtime)
            doomed = self._directory if self.config.data is None else None
            self._server = Server(command, self.config.node, self.log, doomed=doomed)

    def wait_ready(self) -> None:
        """Wait until the cluster lists the broker; if it never does, kill it.

        Raises:
            KafkaStartError: The process ended, or the time for it has passed.
        """
        launched = self._launched()
        self._failed = False
        try:
            launched.wait_ready(self.config.start_timeout)
        except BaseException as error:
            # Only these errors refer the reader to the log.
            self._failed = isinstance(error, KafkaStartError)
            launched.kill()
            self._release_directory()
            raise

    def wait(self) -> int:
        """Wait until the process ends, and return its exit status."""
        return self._launched().wait()

    def stop(self, timeout: float | None = None) -> None:
        """Stop as an operator would; data and ports are kept for a start.

        Args:
            timeout: Seconds after which it is killed, if they are not those that it has by its plan.
        """
        if self._server is not None:
            self._server.stop(self.config.stop_timeout if timeout is None else timeout)

    def kill(self) -> None:
        """Pull the plug: SIGKILL."""
        self._launched().kill()

    def pause(self) -> None:
        """Freeze the process: connections stay, answers do not come."""
        self._launched().send(signal.SIGSTOP)

    def resume(self) -> None:
        """End a pause."""
        self._launched().send(signal.SIGCONT)

    def close(self) -> None:
        """Stop for good, and remove data that was to be temporary.

        After a failed start the log stays, because the error refers to it.
        """
        self.stop()
        self._release_directory()
        if self.config.data is None and self._directory is not None:
            removed = self._data if self._failed else self._directory
            shutil.rmtree(removed, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def _launched(self) -> Server:
        if self._server is None:
            raise RuntimeError(_NOT_STARTED)
        return self._server

    def _claim_directory(self) -> None:
        """Keep others off the data: Kafka itself reads it before it looks for a lock."""
        if self._claim is not None:
            return
        claim = (self.directory / "claim").open("wb")
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            claim.close()
            raise KafkaStartError(f"{self.directory} is in use by another broker") from error
        self._claim = claim

    def _release_directory(self) -> None:
        if self._claim is not None:
            self._claim.close()
            self._claim = None

    def _prepare(self, runtime: Runtime) -> list[str]:
        storage.lay_out(runtime, self.config.node, self._data)
        properties = self.directory / "server.properties"
        described = settings.server_properties(self.config, self._data)
        properties.write_bytes(settings.to_java(described))
        options = [*self.config.jvm_options, f"-XX:AOTCache={runtime.archive}"]
        return runtime.command("kafka.Kafka", str(properties), options=options)
