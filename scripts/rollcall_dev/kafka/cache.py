"""What is worth keeping between runs, in the user's cache directory."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rollcall_dev.kafka.progress import Progress


def user_cache() -> Path:
    """Return the directory for Rollcall's cached files."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification has relative paths ignored.
    root = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    return root / "rollcall"


@contextmanager
def staging(directory: Path, progress: Progress) -> Iterator[Path]:
    """Let one process at a time add to `directory`.

    Yields:
        An empty directory of the same file system. What is complete is renamed
        from there into `directory`; the rest is thrown away, at once or, after
        a crash, by who comes next.
    """
    directory.mkdir(parents=True, exist_ok=True)
    staged = directory / "incomplete"
    with (directory / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.line("waiting for another process that prepares the same")
            fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir()
        try:
            yield staged
        finally:
            shutil.rmtree(staged, ignore_errors=True)
