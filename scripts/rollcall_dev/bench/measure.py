"""Measurements that benches share: a load on a server, and what both have spent on it."""

import argparse
from dataclasses import dataclass

import httpx

from rollcall_dev.bench import children
from rollcall_dev.bench.errors import BenchError
from rollcall_dev.bench.load import closed, requests, wrk
from rollcall_dev.bench.load.result import Result
from rollcall_dev.bench.stage import Server, Stage

_CLOSED = "rollcall_dev.bench.load.closed"


@dataclass(frozen=True)
class Measured:
    """What one load has shown.

    Attributes:
        result: What callers have seen.
        cpu_seconds: CPU time that the server took meanwhile.
    """

    result: Result
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.result.answers / self.result.seconds

    @property
    def cpu_us(self) -> float:
        """Microseconds of the server's CPU time for an answer."""
        return self.cpu_seconds / self.result.answers * 1e6

    @property
    def load_cpu_us(self) -> float:
        """Microseconds of the load's CPU time for an answer."""
        return self.result.cpu_seconds / self.result.answers * 1e6


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of all that measures with a load of PUTs."""
    parser.add_argument(
        "--load",
        choices=["auto", "wrk", "own"],
        default="auto",
        help="what sends the PUTs: wrk, or a client of our own; auto takes wrk if it is there (default: %(default)s)",
    )


class Puts:
    """A load of PUTs, by wrk where it may be used.

    Attributes:
        client: What sends them.
    """

    def __init__(self, stage: Stage, choice: str) -> None:
        """Choose what sends.

        Raises:
            BenchError: wrk is wanted, and not there.
        """
        self._stage = stage
        program = None if choice == "own" else wrk.find()
        if choice == "wrk" and program is None:
            raise BenchError("there is no wrk on PATH")
        self._wrk = None if program is None else wrk.Wrk(program, stage.directory, stage.cores.load)
        self.client = "own" if self._wrk is None else "wrk"

    def measure(self, server: Server, connections: int, seconds: float) -> Measured:
        """Load a server, each connection sending one update after the other.

        Raises:
            BenchError: An answer was another than 200.
        """
        before = server.cpu_seconds()
        if self._wrk is not None:
            # wrk knows no parts of a second.
            result = self._wrk.put(server.url, connections, max(1, round(seconds)))
        else:
            job = closed.Job(server.host, server.port, connections, seconds)
            result = children.call(_CLOSED, job, Result, self._stage.cores.load)
        return _checked(server, Measured(result, server.cpu_seconds() - before))


def takes_posts(server: Server) -> bool:
    """Find out whether a server takes bulk requests at all."""
    body = requests.lines(1)
    answer = httpx.post(
        f"{server.url}/Record/Updates", content=body, headers={"content-type": "application/x-ndjson"}, trust_env=False
    )
    return answer.status_code not in (httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED)


def posts(stage: Stage, server: Server, connections: int, seconds: float, records: int) -> Measured:
    """Load a server, each connection sending one bulk request after the other.

    Raises:
        BenchError: An answer was another than 200, or an update was not accepted.
    """
    before = server.cpu_seconds()
    job = closed.Job(server.host, server.port, connections, seconds, records)
    result = children.call(_CLOSED, job, Result, stage.cores.load)
    measured = _checked(server, Measured(result, server.cpu_seconds() - before))
    if result.accepted != result.answers * records:
        raise BenchError(f"{server.name} accepted {result.accepted} of {result.answers * records} updates")
    return measured


def _checked(server: Server, measured: Measured) -> Measured:
    result = measured.result
    if result.failures or not result.answers:
        counts = ", ".join(f"{count} × {what}" for what, count in result.failures.items()) or "nothing at all"  # noqa: RUF001
        raise BenchError(f"{server.name} did not answer 200 to all, but: {counts} {result.failure}".rstrip())
    return measured
