"""Debian's packages for one user: unpacked into a folder, without root, and without a change to the system."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

_SETTINGS = {
    "Acquire::Languages": "none",
    "Acquire::Retries": "2",
    "Acquire::http::Timeout": "30",
    "Debug::NoLocking": "true",  # the lock is the system's, which is only read
}


class PackageError(RuntimeError):
    """Packages can't be had; the message is one line for a person."""


def is_here() -> bool:
    """Whether this system has the tools that fetch and unpack Debian's packages."""
    return shutil.which("apt-get") is not None and shutil.which("dpkg-deb") is not None


def unpack(packages: Sequence[str], folder: Path) -> None:
    """Unpack packages, and what they need that the system lacks, into `root` of a folder.

    Args:
        packages: Their names, as the system's sources of packages have them.
        folder: An empty folder.

    Raises:
        PackageError: They can't be had.
    """
    archives = folder / "apt/archives"
    for needed in (folder / "apt/lists/partial", archives / "partial", folder / "root"):
        needed.mkdir(parents=True)
    apt = _apt(folder / "apt")
    warnings = _run(*apt, "update")  # one source of several may be out of reach
    try:
        _run(*apt, "--yes", "--no-install-recommends", "--download-only", "install", *packages)
    except PackageError as error:
        raise PackageError("; ".join([str(error), *warnings[:1]])) from error
    for archive in sorted(archives.glob("*.deb")):
        _run("dpkg-deb", "--extract", str(archive), str(folder / "root"))
    shutil.rmtree(folder / "apt")


def _apt(folder: Path) -> list[str]:
    """Have apt keep all that it keeps below a folder, and otherwise go by the system's settings."""
    settings = {
        **_SETTINGS,
        "APT::Sandbox::User": str(os.getuid()) if os.getuid() else "root",  # another user can't write there
        "Dir::Cache": str(folder),
        "Dir::Cache::archives": str(folder / "archives"),
        "Dir::State::lists": str(folder / "lists"),
    }
    return ["apt-get", "-qq", *(part for name, value in settings.items() for part in ("-o", f"{name}={value}"))]


def _run(*command: str) -> list[str]:
    """Run a command, and give the warnings that it ends well with.

    Raises:
        PackageError: It failed.
    """
    environ = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    said = done.stderr.splitlines()
    if done.returncode != 0:
        errors = [line for line in said if line.startswith(("E:", "dpkg-deb: error"))]
        raise PackageError(f"{command[0]} failed: {(errors or said or ['it said nothing'])[0]}")
    return [line for line in said if line.startswith("W:")]
