"""Directories that must take files, and a plain word when they do not."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rollcall_dev.kafka.errors import KafkaStartError

_MEBIBYTE = 1024 * 1024
_FULL = {errno.ENOSPC, errno.EDQUOT}
_FAULTS = _FULL | {
    errno.EACCES,
    errno.EEXIST,
    errno.EIO,
    errno.EISDIR,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
}


def is_fault(error: OSError) -> bool:
    """Tell a fault of the file system from, say, one of the network."""
    return error.errno in _FAULTS


@contextmanager
def filling(directory: Path, space: int) -> Iterator[None]:
    """Make `directory`, and name it in the error if the block cannot fill it.

    Args:
        directory: The directory.
        space: The bytes that must be free. Asked before, because Java maps
            files into memory and crashes when the disk turns out to be full.

    Raises:
        KafkaStartError: The disk is full, or the directory is not writable.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _require(space, directory)
        yield
    except OSError as error:
        if not is_fault(error):
            raise
        fault = "the disk is full" if error.errno in _FULL else "it is not writable"
        raise KafkaStartError(f"cannot use the directory {directory}: {fault} ({error.strerror})") from error


def _require(space: int, directory: Path) -> None:
    free = shutil.disk_usage(directory).free
    if free < space:
        raise OSError(errno.ENOSPC, f"{free // _MEBIBYTE} MiB free, {space // _MEBIBYTE} MiB needed")
