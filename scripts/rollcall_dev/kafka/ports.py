"""TCP ports on the loopback address that a restart can have again."""

import errno
import os
import random
import socket
from collections import deque
from collections.abc import Collection
from itertools import islice

from rollcall_dev.kafka.errors import KafkaStartError

HOST = "127.0.0.1"

# Below the ephemeral ranges of Linux (32768 and up) and macOS (49152 and up):
# while a broker is down, no client's outgoing connection can take its port.
_RANGE = range(20_000, 30_000)
_ATTEMPTS = 100

# As many files stay open; when so many more were chosen, somebody listens at the first of them.
_CLAIMS = 50
_claims: deque[int] = deque()


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

    Other processes will not choose them either, until many more are chosen here or this process ends.

    Raises:
        KafkaStartError: Too few of those tried were free.
    """
    tried = random.sample(_RANGE, _ATTEMPTS)
    chosen = [*islice((port for port in tried if port not in without and is_free(port) and _claim(port)), count)]
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


def _claim(port: int) -> bool:
    """Keep others from choosing a port at which nobody listens yet: hold the one of UDP with its number."""
    with socket.socket(type=socket.SOCK_DGRAM) as claim:
        try:
            claim.bind((HOST, port))
        except OSError:
            return False
        _claims.append(claim.detach())
    if len(_claims) > _CLAIMS:
        os.close(_claims.popleft())
    return True


def _bind(port: int) -> None:
    with socket.socket() as probe:
        # As Kafka does; else connections in TIME_WAIT would block a restart.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
