"""Pins: every dependency at one version, with hashes, in requirement files free of addresses."""

import argparse
import hashlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path

from rollcall_dev.environment import MEMBERS, ROOT, uv

_MARK = "# made by scripts/lock from "

EXPORTS = {
    ROOT / "requirements.txt": ["--all-packages", "--all-extras", "--group", "dev"],
    ROOT / "services/producer/requirements.txt": ["--package", "rollcall-producer", "--no-dev"],
    ROOT / "services/producer/requirements-otel.txt": ["--package", "rollcall-producer", "--no-dev", "--extra", "otel"],
    ROOT / "services/consumer/requirements.txt": ["--package", "rollcall-consumer", "--no-dev"],
}
"""Each file, and what `uv export` puts into it."""


def main() -> int:
    """Write the files, or with `--check` find drift.

    Returns:
        0; with `--check`, 1 if a file was not made from the dependencies as they are declared, or was edited since.
    """
    parser = argparse.ArgumentParser(prog="scripts/lock", description="Pin every dependency, with hashes.")
    parser.add_argument("--check", action="store_true", help="change nothing, and fail if pins are out of date")
    if parser.parse_args().check:
        return _check()
    _lock()
    return 0


def _lock() -> None:
    subprocess.run([uv(), "lock", "--quiet", "--upgrade"], check=True, cwd=ROOT)
    for path, options in EXPORTS.items():
        command = [
            uv(),
            "export",
            "--quiet",
            "--frozen",
            "--no-header",
            "--no-emit-workspace",
            "--no-annotate",
            *options,
        ]
        pins = subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True).stdout
        path.write_text(f"{_MARK}{_digest(pins)}\n{pins}")
        print(f"wrote {path.relative_to(ROOT)}")


def _check() -> int:
    drifted = [path for path in EXPORTS if not _is_current(path)]
    for path in drifted:
        print(f"{path.relative_to(ROOT)} is out of date: run scripts/lock", file=sys.stderr)
    return int(bool(drifted))


def _is_current(path: Path) -> bool:
    if not path.exists():
        return False
    mark, _, pins = path.read_text().partition("\n")
    return mark == _MARK + _digest(pins)


def _digest(pins: str) -> str:
    """Sum up pins and what they were made from: the dependencies that the projects declare."""
    declared = [_dependencies(folder / "pyproject.toml") for folder in (ROOT, *MEMBERS)]
    return hashlib.sha256(f"{json.dumps(declared)}\n{pins}".encode()).hexdigest()


def _dependencies(pyproject: Path) -> object:
    parsed = tomllib.loads(pyproject.read_text())
    project = parsed.get("project", {})
    fields = ("requires-python", "dependencies", "optional-dependencies")
    tables = ("dependency-groups", "build-system")
    uv_table = parsed.get("tool", {}).get("uv")
    return [*(project.get(field) for field in fields), *(parsed.get(table) for table in tables), uv_table]


if __name__ == "__main__":
    sys.exit(main())
