"""One bulk request whose body is as large as wanted, made while it is sent."""

import select
import socket
from math import ceil

import msgspec

from rollcall_dev.bench.children import obey
from rollcall_dev.bench.errors import BenchError
from rollcall_dev.bench.load import requests
from rollcall_dev.bench.load.scanner import Answer, Scanner

_BLOCK = 100_000
"""Lines that are repeated."""

_PATIENCE = 600.0
_MEGABYTE = 1_000_000


class Job(msgspec.Struct):
    """What to send: a body of some megabytes, rounded up to whole blocks of lines."""

    host: str
    port: int
    megabytes: float


class Sent(msgspec.Struct):
    """What came of it.

    Attributes:
        status: Of the answer.
        body: What the answer says.
        records: How many were sent.
    """

    status: int
    body: str
    records: int


def work(job: Job) -> Sent:
    """Do a job."""
    block = requests.lines(_BLOCK)
    count = ceil(job.megabytes * _MEGABYTE / len(block))
    with socket.create_connection((job.host, job.port), timeout=_PATIENCE) as connection:
        connection.sendall(requests.posting(count * len(block)))
        sent = 0
        while sent < count and not select.select([connection], [], [], 0)[0]:  # an early answer is a refusal
            connection.sendall(block)
            sent += 1
        answer = _receive(connection)
    return Sent(answer.status, answer.body.decode(errors="replace"), sent * _BLOCK)


def _receive(connection: socket.socket) -> Answer:
    scanner = Scanner()
    while data := connection.recv(65_536):
        answer = scanner.feed(data)
        if answer is not None:
            return answer
    raise BenchError("the connection was closed without an answer")


if __name__ == "__main__":
    obey(Job, work)
