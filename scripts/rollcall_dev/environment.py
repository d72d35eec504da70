"""The project's own Python environment, made on first use.

Runs on the bare interpreter of a fresh machine: standard library only, and a clear word to a Python that is too old.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
MEMBERS = [ROOT / "libs/domain", ROOT / "services/producer", ROOT / "services/consumer"]
PYTHON = str(ROOT / ".venv/bin/python")

_OLDEST = (3, 11)
_REQUIREMENTS = ROOT / "requirements.txt"
_ENVIRONMENT = ROOT / ".venv"
_STAMP = _ENVIRONMENT / "made-from"
_UV = "uv>=0.13.6,<0.14"


def enter(module: str) -> NoReturn:
    """Run a module in the project's environment, with this process's arguments; make it first if need be."""
    if sys.version_info < _OLDEST:
        sys.exit("Rollcall needs Python 3.11 or newer, and this is %d.%d" % sys.version_info[:2])  # noqa: UP031
    wanted = _fingerprint()
    try:
        if not _STAMP.exists() or _STAMP.read_text() != wanted:
            _make()
            _STAMP.write_text(wanted)
    except subprocess.CalledProcessError as error:
        command = " ".join(map(str, error.cmd[:4]))
        sys.exit(f"the environment could not be made: {command} … failed, see above; is the package index in reach?")
    except KeyboardInterrupt:
        sys.exit(130)
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    os.execve(PYTHON, [PYTHON, "-m", module, *sys.argv[1:]], environ)  # noqa: S606


def uv() -> str:
    """Find uv: the one on PATH, or one that pip puts into a folder of the project."""
    found = shutil.which("uv")
    if found is not None:
        return found
    own = ROOT / ".uv/bin/uv"
    if not own.exists():
        _say("installing uv into .uv")
        quiet = ["--quiet", "--disable-pip-version-check", "--root-user-action=ignore"]
        subprocess.run([*_pip(), "install", *quiet, "--target", str(ROOT / ".uv"), _UV], check=True)
    return str(own)


def _pip() -> list[str]:
    """Find a pip: this Python's own, or that of an environment for it alone."""
    own = [sys.executable, "-m", "pip"]
    if subprocess.run([*own, "--version"], capture_output=True, check=False).returncode == 0:
        return own
    borrowed = ROOT / ".uv/pip"
    if subprocess.run([sys.executable, "-m", "venv", borrowed], capture_output=True, check=False).returncode != 0:
        sys.exit("this Python has neither pip nor venv; on Debian, `apt install python3-venv` brings them")
    return [str(borrowed / "bin/python"), "-m", "pip"]


def _make() -> None:
    tool = uv()
    _say("making the environment in .venv")
    install = [tool, "pip", "install", "--quiet", "--python", PYTHON]
    subprocess.run([tool, "venv", "--quiet", "--clear", "--python", sys.executable, str(_ENVIRONMENT)], check=True)
    subprocess.run([*install, "--require-hashes", "-r", str(_REQUIREMENTS)], check=True)
    members = [argument for member in MEMBERS for argument in ("--editable", str(member))]
    subprocess.run([*install, "--no-deps", *members], check=True)


def _fingerprint() -> str:
    made_from = hashlib.sha256(f"{sys.version_info[:2]} {ROOT}".encode())
    for path in [_REQUIREMENTS, *(member / "pyproject.toml" for member in MEMBERS)]:
        made_from.update(path.read_bytes())
    return made_from.hexdigest()


def _say(what: str) -> None:
    print(f"rollcall: {what} (once) …", file=sys.stderr, flush=True)
