"""TCP ports on the loopback address that a restart can have again."""

import errno
import random
import socket
from collections.abc import Collection
from itertools import islice

from rollcall_dev.kafka.errors import KafkaStartError

HOST = "127.0.0.1"

# Below the ephemeral ranges of Linux (32768 and up) and macOS (49152 and up):
# while a broker is down, no client's outgoing connection can take its port.
_RANGE = range(20_000, 30_000)
_ATTEMPTS = 100


def check(port: int) -> None:
    """Make sure that a server could listen on `port` now.

    Raises:
        KafkaStartError: It could not.
    """
    try:
        _bind(port)
    except OSError as error:
        used = error.errno == errno.EADDRINUSE
        fault = "is already in use" if used else f"cannot be used: {error.strerror}"
        raise KafkaStartError(f"port {port} of {HOST} {fault}") from error


def choose() -> int:
    """Choose a free port.

    Raises:
        KafkaStartError: None of those tried was free.
    """
    (port,) = choose_several(1)
    return port


def choose_several(count: int, *, without: Collection[int] = ()) -> list[int]:
    """Choose free ports that differ from each other, and from those that somebody else is going to take.

    Raises:
        KafkaStartError: Too few of those tried were free.
    """
    tried = random.sample(_RANGE, _ATTEMPTS)
    chosen = [*islice((port for port in tried if port not in without and is_free(port)), count)]
    if len(chosen) < count:
        raise KafkaStartError(f"no free port found between {_RANGE.start} and {_RANGE.stop - 1}")
    return chosen


def is_free(port: int) -> bool:
    """Tell whether a server could listen on `port` now."""
    try:
        _bind(port)
    except OSError:
        return False
    return True


def _bind(port: int) -> None:
    with socket.socket() as probe:
        # As Kafka does; else connections in TIME_WAIT would block a restart.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
