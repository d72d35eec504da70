"""A Chromium to look at the page with: the machine's own, or else Debian's in the user's cache directory."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from rollcall_dev import debian
from rollcall_dev.kafka.cache import staging, user_cache
from rollcall_dev.kafka.progress import Progress

NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
"""What it may be called, on PATH or, on macOS, where applications are."""

PACKAGES = ("chromium-headless-shell", "fonts-inter")
"""Debian's packages: the browser, and a font that is about as wide as those that people have."""

_PATIENCE = 30

_RUN = """#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
export LD_LIBRARY_PATH="{libraries}"
export FONTCONFIG_FILE="$here/fonts.conf"
exec "$here/root/usr/lib/chromium/chromium-headless-shell" "$@"
"""

_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir prefix="relative">root/usr/share/fonts</dir>
  <cachedir prefix="relative">fonts-cache</cachedir>
  <match target="pattern">
    <test name="family"><string>sans</string></test>
    <edit name="family" mode="prepend" binding="strong"><string>Inter</string></edit>
  </match>
  <match target="pattern">
    <test name="family"><string>sans-serif</string></test>
    <edit name="family" mode="prepend" binding="strong"><string>Inter</string></edit>
  </match>
  <match target="pattern">
    <test name="family"><string>system-ui</string></test>
    <edit name="family" mode="prepend" binding="strong"><string>Inter</string></edit>
  </match>
</fontconfig>
"""


class NoBrowserError(RuntimeError):
    """There is no Chromium; the message is one line for a person."""


def find() -> Path:
    """Find Chromium, or fetch it once.

    Returns:
        Its executable.

    Raises:
        NoBrowserError: None can be had.
    """
    own = map(Path, filter(None, map(shutil.which, NAMES)))
    return next(filter(_runs, own), None) or _cached()


def is_sandboxed() -> bool:
    """Whether Chromium's sandbox works here: not for root, and not without namespaces of a user's own."""
    if os.getuid() == 0:
        return False
    if sys.platform != "linux":
        return True
    try:
        done = subprocess.run(["unshare", "--user", "--map-root-user", "true"], capture_output=True, check=False)  # noqa: S607
    except OSError:
        return False
    return done.returncode == 0


def _cached() -> Path:
    folder = user_cache() / "chromium"
    if _runs(folder / "browser/run"):
        return folder / "browser/run"
    if not debian.is_here():
        raise NoBrowserError("no Chromium is on PATH, and this is no Debian that could bring one")
    progress = Progress(name="chromium")
    try:
        with staging(folder, progress) as staged:
            if not _runs(folder / "browser/run"):  # another process may have brought it while this one waited
                _bring(staged, folder / "browser", progress)
    except OSError as error:
        raise NoBrowserError(f"Chromium can't be kept in {folder}: {error.strerror}") from error
    return folder / "browser/run"


def _bring(staged: Path, target: Path, progress: Progress) -> None:
    progress.line(f"fetching Debian's package into {target}, once: some 100 MB")
    try:
        debian.unpack(PACKAGES, staged)
    except debian.PackageError as error:
        raise NoBrowserError(f"no Chromium is on PATH, and Debian's can't be had: {error}") from error
    _write_command(staged)
    if not _runs(staged / "run"):
        raise NoBrowserError("no Chromium is on PATH, and Debian's does not run here")
    shutil.rmtree(target, ignore_errors=True)
    staged.rename(target)


def _write_command(folder: Path) -> None:
    """Write the command that runs what was unpacked into a folder, wherever that is moved to."""
    libraries = sorted({path.parent.relative_to(folder) for path in (folder / "root").rglob("lib*.so*")})
    command = folder / "run"
    command.write_text(_RUN.format(libraries=":".join(f"$here/{library}" for library in libraries)))
    command.chmod(0o755)
    (folder / "fonts.conf").write_text(_FONTS)


def _runs(executable: Path) -> bool:
    try:
        done = subprocess.run([executable, "--version"], capture_output=True, check=False, timeout=_PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
