"""Processes of a bench: each does one thing, told by a JSON argument, and answers with a line of JSON.

A child cannot outlive this process, and Ctrl-C reaches this process alone, which then ends its children in order.
"""

import contextlib
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, TypeVar

import msgspec

from rollcall_dev.bench.errors import BenchError
from rollcall_dev.bench.machine import bound
from rollcall_dev.leash import leashed
from rollcall_domain.service.settings import PREFIX

R = TypeVar("R")
S = TypeVar("S", bound=msgspec.Struct)

STOP_LIMIT = 15.0
"""Seconds for a child to end after SIGTERM."""


@contextlib.contextmanager
def running(
    command: Sequence[str],
    cores: frozenset[int],
    settings: Mapping[str, str] | None = None,
    *,
    log: IO[bytes] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command on some cores while the body runs, then end it.

    Args:
        command: The command line.
        cores: Where it may run.
        settings: The `ROLLCALL_*` variables that it gets; those of the user are left out.
        log: Where its standard output and error go; by default the first to a pipe, the second to this process's.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each start compiles everything again
    with bound(cores):
        process = subprocess.Popen(
            leashed(command),
            env={**environ, **(settings or {})},
            stdin=subprocess.PIPE,  # the leash
            stdout=log or subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
        process.__exit__(None, None, None)


def module(name: str, *arguments: str) -> list[str]:
    """Build the command line that runs a Python module."""
    return [sys.executable, "-m", name, *arguments]


def call(name: str, job: msgspec.Struct, result: type[R], cores: frozenset[int]) -> R:
    """Have a module do a job in a process of its own.

    Raises:
        BenchError: It failed.
    """
    return call_all(name, [job], result, cores)[0]


def call_all(name: str, jobs: Sequence[msgspec.Struct], result: type[R], cores: frozenset[int]) -> list[R]:
    """Have a module do jobs at the same time, each in a process of its own.

    Raises:
        BenchError: One of them failed.
    """
    with contextlib.ExitStack() as stack:
        commands = [module(name, msgspec.json.encode(job).decode()) for job in jobs]
        processes = [stack.enter_context(running(command, cores)) for command in commands]
        return [msgspec.json.decode(_result(name, process), type=result) for process in processes]


def output(command: Sequence[str], cores: frozenset[int]) -> bytes:
    """Run a command on some cores to its end, and give its standard output.

    Raises:
        BenchError: It failed.
    """
    with running(command, cores) as process:
        return _result(command[0], process)


def _result(name: str, process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None  # noqa: S101 - a pipe, by default
    said = process.stdout.read()
    if process.wait() != 0:
        raise BenchError(f"{name} ended with status {process.returncode}")
    return said


class Child:
    """A process that works beside this one.

    Args:
        name: The module that it runs.
        process: The process.
    """

    def __init__(self, name: str, process: subprocess.Popen[bytes]) -> None:
        self._name = name
        self._process = process

    def check(self) -> None:
        """Make sure that it is still at work.

        Raises:
            BenchError: It has ended.
        """
        if self._process.poll() is not None:
            raise BenchError(f"{self._name} ended early with status {self._process.returncode}")

    def result(self, result: type[R], patience: float = 0.0) -> R:
        """Give its answer; once patience is over, which is told in seconds, it is asked to end.

        Raises:
            BenchError: It failed.
        """
        output = self._process.stdout
        assert output is not None  # noqa: S101 - a pipe, by default
        if not select.select([output], [], [], patience)[0]:
            self._process.terminate()
        return msgspec.json.decode(_result(self._name, self._process), type=result)


@contextlib.contextmanager
def begun(name: str, job: msgspec.Struct, cores: frozenset[int]) -> Iterator[Child]:
    """Have a module work in a process of its own while the body runs; the body begins once it is ready.

    Raises:
        BenchError: It failed.
    """
    with running(module(name, msgspec.json.encode(job).decode()), cores) as process:
        assert process.stdout is not None  # noqa: S101 - a pipe, by default
        if process.stdout.readline() != READY:
            raise BenchError(f"{name} ended with status {process.wait()}")
        yield Child(name, process)


@contextlib.contextmanager
def beside(name: str, job: msgspec.Struct, cores: frozenset[int]) -> Iterator[None]:
    """Do the same with one that has no answer to give.

    Raises:
        BenchError: It failed.
    """
    with begun(name, job, cores) as child:
        yield
        child.check()


def say_ready() -> None:
    """Say that the body may begin."""
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()


READY = b"ready\n"
"""What a child says that works beside the body."""


def obey(job: type[S], work: Callable[[S], object]) -> None:
    """Be such a child: read the job, do it, and answer with what comes of it."""
    answer = work(msgspec.json.decode(sys.argv[1], type=job))
    with open(sys.stdout.fileno(), "wb", closefd=False) as output:  # unlike Python's own it is never unbuffered
        output.write(msgspec.json.encode(answer) + b"\n")
