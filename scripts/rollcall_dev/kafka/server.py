"""The process of one Kafka server."""

from collections.abc import Sequence
from pathlib import Path

from rollcall_dev.kafka import protocol
from rollcall_dev.kafka.config import Node
from rollcall_dev.kafka.process import Process

_REQUEST_TIMEOUT = 1.0


class Server(Process):
    """A running Kafka."""

    name = "Kafka"

    def __init__(self, command: Sequence[str], node: Node, log: Path, *, doomed: Path | None) -> None:
        """Launch `command`.

        Args:
            command: The Java command line.
            node: What it is to become.
            log: The file that gets its output, after what is there already.
            doomed: A directory to remove should this process be killed.
        """
        super().__init__(command, log, doomed=doomed)
        self._node = node

    def wait_ready(self, timeout: float) -> None:
        """Wait until the cluster lists this broker as one for clients.

        Raises:
            KafkaStartError: The process ended, or it took longer.
        """
        self.wait_until(self._listed, timeout)

    def _listed(self) -> bool:
        try:
            listed = protocol.members(self._node.port, _REQUEST_TIMEOUT)
        except OSError:
            return False
        identity = (self._node.id, self._node.port)
        return identity in [(member.node_id, member.port) for member in listed]
