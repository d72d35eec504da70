"""The machine that is measured on: which cores run what, and what a process takes of CPU time and memory.

CPU time and memory come from the Linux kernel. Elsewhere they are not a number, and all else is measured all the same.
"""

import contextlib
import ctypes
import math
import os
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rollcall_dev.bench.errors import BenchError

_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Cores:
    """Which cores run what; empty where processes can't be bound to cores.

    Attributes:
        server: The server under test, alone.
        load: Whatever calls it, and the broker.
        fault: Why the two are not apart, or None.
    """

    server: frozenset[int]
    load: frozenset[int]
    fault: str | None = None


def divide() -> Cores:
    """Give the first core that this process may use to the server, and all others to its load."""
    if not hasattr(os, "sched_setaffinity"):
        return Cores(frozenset(), frozenset(), "processes can't be bound to cores here")
    first, *others = sorted(os.sched_getaffinity(0))
    if not others:
        return Cores(frozenset({first}), frozenset({first}), "only one core may be used")
    return Cores(frozenset({first}), frozenset(others))


@contextlib.contextmanager
def bound(cores: frozenset[int]) -> Iterator[None]:
    """Bind this thread to cores, and with it every process that is started in the body."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_seconds(pid: int) -> float:
    """Tell the CPU time that a process and its descendants have taken so far, in seconds, to the nanosecond."""
    if sys.platform != "linux":
        return math.nan
    return sum(time.clock_gettime_ns(_clock(member)) for member in _tree(pid)) / 1e9


def _clock(pid: int) -> int:
    clock = ctypes.c_int()
    fault = ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock))
    if fault:
        raise BenchError(f"the CPU time of process {pid} can't be read: {os.strerror(fault)}")
    return clock.value


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from _tree(int(child))


class Others:
    """What other processes on this machine have taken of its cores since the beginning: noise in all figures."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._before = _cpu_seconds_of_all() - _cpu_seconds_of_this()

    def share(self) -> float:
        """Tell the share that they have taken of all cores together."""
        taken = _cpu_seconds_of_all() - _cpu_seconds_of_this() - self._before
        share = taken / (time.monotonic() - self._begin) / (os.cpu_count() or 1)
        return 0.0 if share < 0 else share


def _cpu_seconds_of_all() -> float:
    if sys.platform != "linux":
        return math.nan
    user, nice, system, _, _, interrupts, soft_interrupts, *_ = map(int, _first_line("/proc/stat").split()[1:])
    return (user + nice + system + interrupts + soft_interrupts) / os.sysconf("SC_CLK_TCK")


def _first_line(path: str) -> str:
    with Path(path).open() as file:
        return file.readline()


def _cpu_seconds_of_this() -> float:
    """Count this process, all that it runs, and all that it has run."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return cpu_seconds(os.getpid()) + ended.ru_utime + ended.ru_stime


def peak_memory(pid: int) -> float:
    """Tell the most memory that a process has had resident so far, in megabytes (10^6 bytes)."""
    if sys.platform != "linux":
        return math.nan
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kibibytes = next(line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(kibibytes) * 1024 / _MEGABYTE


def raise_file_limit() -> None:
    """Let this process, and all that it starts, have as many connections as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError):  # macOS names no limit, and allows less
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
