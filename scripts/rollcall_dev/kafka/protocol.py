"""As much of Kafka's protocol as it takes to ask who is in the cluster.

Requests and fields: the Metadata API (key 3), version 1, of Kafka's protocol
guide. Brokers are listed once they are registered and no longer fenced.
"""

import socket
import struct
from dataclasses import dataclass

from rollcall_dev.kafka.ports import HOST

_METADATA, _VERSION, _CORRELATION = 3, 1, 1
_NO_CLIENT_ID = -1
_NO_TOPICS = 0


@dataclass(frozen=True, slots=True)
class Member:
    """A broker as the cluster's metadata lists it."""

    node_id: int
    host: str
    port: int


def members(port: int, timeout: float) -> list[Member]:
    """Ask the broker at `port` which brokers clients can use.

    Raises:
        OSError: It could not be asked, or gave no answer in time.
    """
    with socket.create_connection((HOST, port), timeout) as connection:
        connection.sendall(_metadata_request())
        (size,) = struct.unpack(">i", _receive(connection, 4))
        return _brokers(_receive(connection, size))


def _metadata_request() -> bytes:
    header = struct.pack(">hhih", _METADATA, _VERSION, _CORRELATION, _NO_CLIENT_ID)
    request = header + struct.pack(">i", _NO_TOPICS)
    return struct.pack(">i", len(request)) + request


def _receive(connection: socket.socket, size: int) -> bytes:
    received = bytearray()
    while len(received) < size:
        chunk = connection.recv(size - len(received))
        if not chunk:
            raise ConnectionError("the broker closed the connection")
        received += chunk
    return bytes(received)


def _brokers(response: bytes) -> list[Member]:
    _, count = struct.unpack_from(">ii", response)
    offset, brokers = 8, []
    for _ in range(count):
        node_id, length = struct.unpack_from(">ih", response, offset)
        offset += 6
        host = response[offset : offset + length].decode()
        port, rack_length = struct.unpack_from(">ih", response, offset + length)
        offset += length + 6 + max(rack_length, 0)
        brokers.append(Member(node_id, host, port))
    return brokers
