"""The load of `wrk`, a program that spends less on a request than any Python does."""

import resource
import shutil
from pathlib import Path

import msgspec

from rollcall_dev.bench import children
from rollcall_dev.bench.load import requests
from rollcall_dev.bench.load.result import Result

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

    def put(self, url: str, connections: int, seconds: int) -> Result:
        """Send updates in a closed loop."""
        options = ["-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={_PATIENCE}s", f"-s{_SCRIPT}"]
        command = [self._program, *options, url, "--", str(self._bodies)]
        before = _cpu_seconds_of_children()
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
            cpu_seconds=_cpu_seconds_of_children() - before,
            failures={name: count for name, count in failures.items() if count},
        )


def find() -> str | None:
    """Find wrk on PATH."""
    return shutil.which("wrk")


def _cpu_seconds_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
