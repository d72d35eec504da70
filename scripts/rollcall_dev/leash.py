"""Run a command that cannot outlive the process at the other end of stdin.

    python leash.py DIRECTORY COMMAND...

The command takes the place of this process, so it keeps its id. A forked guard
waits for the end of stdin, which comes even when its owner is killed: then it
kills the command and removes DIRECTORY, unless that is empty text. A guard
works where the kernel has no parent-death signal, and that signal would come
when the *thread* that started the command ends.
"""

import os
import select
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path


def leashed(command: Sequence[str], doomed: Path | None = None) -> list[str]:
    """Put a command on a leash: give it a pipe as stdin, and keep the other end.

    Args:
        command: The command line.
        doomed: A directory to remove should the owner be killed.
    """
    # -I and -S: neither the caller's Python environment nor site packages matter here, and it starts sooner.
    return [sys.executable, "-I", "-S", __file__, str(doomed or ""), *command]


def main(directory: str, command: list[str]) -> None:
    """Become `command`, with a guard beside it."""
    pid = os.getpid()
    ended, running = os.pipe()
    if os.fork() == 0:
        os.close(running)
        guard(pid, ended, directory)
        return
    # Left open in the command, so that the guard sees it end.
    os.set_inheritable(running, True)
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
    try:
        os.execv(command[0], command)  # noqa: S606
    except OSError as error:
        sys.exit(f"{command[0]} cannot be executed here: {error.strerror}")


def guard(pid: int, ended: int, directory: str) -> None:
    """Wait for the command or its owner to end; in the second case clean up."""
    waiting = select.poll()
    waiting.register(ended, select.POLLIN)
    waiting.register(sys.stdin.fileno(), select.POLLIN)  # which may be a socket, and as such ready for output
    if ended in dict(waiting.poll()):
        return
    # While it is still our parent, the id cannot be another process's.
    if os.getppid() == pid:
        os.kill(pid, signal.SIGKILL)
    os.read(ended, 1)
    if directory:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
