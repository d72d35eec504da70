"""The load of `wrk`, to check our own client by one that others have written."""

import resource
import shutil
from pathlib import Path

import msgspec

from rollcall_dev.bench import children
from rollcall_dev.bench.errors import BenchError
from rollcall_dev.bench.load import requests
from rollcall_dev.bench.load.result import Result
from rollcall_dev.bench.machine import cpu_seconds

_SCRIPT = Path(__file__).with_name("wrk.lua")
_PATIENCE = 30


class _Said(msgspec.Struct):
    requests: int
    microseconds: int
    p50: int
    p99: int
    status: int
    connect: int
    read: int
    write: int
    timeout: int


class Wrk:
    """wrk, with all that it is to send in a file."""

    def __init__(self, program: str, directory: Path, cores: frozenset[int]) -> None:
        """Write the file.

        Args:
            program: Where wrk is.
            directory: Where the file goes.
            cores: Where wrk may run.
        """
        self._program = program
        self._bodies = directory / "bodies"
        self._cores = cores
        self._bodies.write_bytes(b"\n".join(map(requests.update, requests.student_ids(requests.STUDENTS))))

    def put(self, url: str, pid: int, connections: int, seconds: int) -> Result:
        """Send updates in a closed loop.

        Unlike the client of our own it counts how long a connection waits to be accepted, stretches percentiles by
        requests that it would have sent meanwhile, and cuts off the last requests.

        Args:
            url: Where to.
            pid: The process that is called.
            connections: How many.
            seconds: For how long.
        """
        options = ["-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={_PATIENCE}s", f"-s{_SCRIPT}"]
        command = [self._program, *options, url, "--", str(self._bodies)]
        server, load = cpu_seconds(pid), _cpu_seconds_of_children()
        said = msgspec.json.decode(children.output(command, self._cores).splitlines()[-1], type=_Said)
        failures = {
            "status above 399": said.status,
            "not connected": said.connect,
            "connection lost": said.read + said.write,
            "timeout": said.timeout,
        }
        return Result(
            answers=said.requests,
            seconds=said.microseconds / 1e6,
            p50=said.p50 / 1e6,
            p99=said.p99 / 1e6,
            cpu_seconds=cpu_seconds(pid) - server,
            load_cpu_seconds=_cpu_seconds_of_children() - load,
            failures={name: count for name, count in failures.items() if count},
        )


def find(directory: Path, cores: frozenset[int]) -> Wrk:
    """Find wrk on PATH.

    Raises:
        BenchError: It is not there.
    """
    program = shutil.which("wrk")
    if program is None:
        raise BenchError("there is no wrk on PATH")
    return Wrk(program, directory, cores)


def _cpu_seconds_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
