"""Measurements that benches share: a load on a server, and what both have spent on it."""

import argparse

from rollcall_dev.bench import children
from rollcall_dev.bench.errors import BenchError
from rollcall_dev.bench.load import closed, wrk
from rollcall_dev.bench.load.result import Result
from rollcall_dev.bench.stage import Server, Stage

_CLOSED = "rollcall_dev.bench.load.closed"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of all that measures with a load of PUTs."""
    parser.add_argument(
        "--load",
        choices=["own", "wrk"],
        default="own",
        help="what sends the PUTs: a client of our own, or wrk, which has to be on PATH (default: %(default)s)",
    )


class Puts:
    """A load of PUTs.

    Attributes:
        client: What sends them.
    """

    def __init__(self, stage: Stage, client: str) -> None:
        """Choose what sends.

        Raises:
            BenchError: wrk is wanted, and not there.
        """
        self.client = "our own client" if client == "own" else client
        self._stage = stage
        self._wrk = wrk.find(stage.directory, stage.cores.load) if client == "wrk" else None

    def measure(self, server: Server, connections: int, seconds: float) -> Result:
        """Load a server, each connection sending one update after the other.

        Raises:
            BenchError: An answer was another than 200.
        """
        if self._wrk is not None:
            # wrk knows no parts of a second.
            result = self._wrk.put(server.url, server.pid, connections, max(1, round(seconds)))
        else:
            job = closed.Job(server.host, server.port, server.pid, connections, seconds)
            result = children.call(_CLOSED, job, Result, self._stage.cores.load)
        return checked(server, result)


def posts(stage: Stage, server: Server, connections: int, seconds: float, records: int) -> Result:
    """Load a server, each connection sending one bulk request after the other.

    Raises:
        BenchError: An answer was another than 200, or an update was not accepted.
    """
    job = closed.Job(server.host, server.port, server.pid, connections, seconds, records)
    result = checked(server, children.call(_CLOSED, job, Result, stage.cores.load))
    if result.accepted != result.answers * records:
        raise BenchError(f"{server.name} accepted {result.accepted} of {result.answers * records} updates")
    return result


def checked(server: Server, result: Result) -> Result:
    """Make sure that every request was answered 200.

    Raises:
        BenchError: A benchmark of errors is worth nothing.
    """
    if result.failures or not result.answers:
        counts = ", ".join(f"{count} × {what}" for what, count in result.failures.items()) or "nothing at all"  # noqa: RUF001
        raise BenchError(f"{server.name} did not answer 200 to all, but: {counts} {result.failure}".rstrip())
    return result
