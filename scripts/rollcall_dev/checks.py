"""All that must hold: pins, style, types, contracts, each package alone, and every test."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from rollcall_dev import browser
from rollcall_dev.environment import ROOT, uv
from rollcall_dev.lock import EXPORTS

BIN = ROOT / ".venv/bin"

PACKAGES = {
    "rollcall_domain": ["libs/domain"],
    "rollcall_producer": ["libs/domain", "services/producer"],
    "rollcall_consumer": ["libs/domain", "services/consumer"],
}
"""Each package, and what is installed for it of this repository."""

EXTRAS = {"rollcall_domain": "rollcall_domain.service", "rollcall_producer": "rollcall_producer.tracing"}
"""What needs an extra of its package, and is not imported where it is installed alone."""

_MSGSPEC = ["--no-verify-hashes", "--constraint", str(ROOT / "requirements.txt"), "msgspec"]
"""All that the domain needs by itself, at its pinned version."""

IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if not (module.name.endswith("__main__") or module.name.startswith(sys.argv[2])):
        importlib.import_module(module.name)
"""


@dataclass
class Step:
    """Something that must hold.

    Attributes:
        name: What it is called in the summary.
        holds: Finds out.
    """

    name: str
    holds: Callable[[], bool]


def main() -> int:
    """Take every step, also after one that fails, and sum up.

    Returns:
        0 if all holds, and else 1.
    """
    parser = argparse.ArgumentParser(prog="scripts/test", description="Check all that must hold.")
    parser.add_argument("--fast", action="store_true", help="leave out what needs a broker or a container")
    options = parser.parse_args()
    left_out = tests_left_out(fast=options.fast)
    results = []
    for step in _steps([*left_out]):
        print(f"\n== {step.name}", flush=True)
        begin = monotonic()
        results.append((step.name, step.holds(), monotonic() - begin))
    print("\n== summary")
    for name, held, seconds in results:
        print(f"{'ok' if held else 'FAILED':<7} {name} ({seconds:.0f} s)")
    for tests, why in left_out.items():
        print(f"left out: tests/{tests}, {why}")
    if not left_out:
        print("nothing was left out")
    return int(not all(held for _, held, _ in results))


def tests_left_out(*, fast: bool) -> dict[str, str]:
    """Name the tests that are left out, and why.

    Args:
        fast: Whether all are that need a broker or a container.
    """
    if fast:
        return dict.fromkeys(("integration", "e2e", "browser", "containers", "fuzz/test_api.py"), "because of --fast")
    lacking = {"browser": _lacks_browser(), "containers": _lacks_docker()}
    return {tests: f"because {why}" for tests, why in lacking.items() if why is not None}


def _lacks_browser() -> str | None:
    try:
        browser.find()
    except browser.NoBrowserError as error:
        return str(error)
    return None


def _lacks_docker() -> str | None:
    docker = shutil.which("docker")
    if docker is None:
        return "there is no docker command"
    if subprocess.run([docker, "info"], capture_output=True, check=False).returncode != 0:
        return "no Docker engine answers"
    if subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode != 0:
        return "docker has no compose plugin"
    return None


def _steps(left_out: list[str]) -> list[Step]:
    ignored = [f"--ignore=tests/{tests}" for tests in left_out]
    steps = [
        Step("pins", _command(sys.executable, "-m", "rollcall_dev.lock", "--check")),
        Step("format", _command(BIN / "ruff", "format", "--check", ".")),
        Step("lint", _command(BIN / "ruff", "check", ".")),
        Step("types", _command(BIN / "mypy")),
        Step("contracts", _command(BIN / "lint-imports")),
        *(Step(f"dependencies of {package}", _declared(package)) for package in PACKAGES),
        *(Step(f"{package} alone", _alone(package)) for package in PACKAGES),
        Step("tests", _command(BIN / "coverage", "run", "-m", "pytest", *ignored)),
    ]
    return steps if "e2e" in left_out else [*steps, Step("coverage", _coverage)]


def _command(*arguments: str | Path) -> Callable[[], bool]:
    return lambda: subprocess.run(arguments, check=False, cwd=ROOT).returncode == 0


def _coverage() -> bool:
    combined = _command(BIN / "coverage", "combine", "--quiet")()
    return combined and _command(BIN / "coverage", "report")()


def _declared(package: str) -> Callable[[], bool]:
    """Find imports that a package does not declare, and the other way about."""
    folder = ROOT / PACKAGES[package][-1]
    return lambda: subprocess.run([BIN / "deptry", "src"], check=False, cwd=folder).returncode == 0


def _alone(package: str) -> Callable[[], bool]:
    """Import all of a package with nothing installed but what it declares: no hidden dependency."""

    def holds() -> bool:
        folders = PACKAGES[package]
        requirements = ROOT / folders[-1] / "requirements.txt"
        pinned = ["--require-hashes", "-r", str(requirements)] if requirements in EXPORTS else _MSGSPEC
        left_out = EXTRAS.get(package, "nothing")
        with tempfile.TemporaryDirectory() as folder:
            python = f"{folder}/bin/python"
            install = [uv(), "pip", "install", "--quiet", "--python", python]
            commands = [
                [uv(), "venv", "--quiet", "--python", sys.executable, folder],
                [*install, *pinned],
                [*install, "--no-deps", *(str(ROOT / member) for member in folders)],
                [python, "-W", "error", "-c", IMPORT_ALL, package, left_out],
            ]
            environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
            return all(
                subprocess.run(command, check=False, env=environ, cwd=folder).returncode == 0 for command in commands
            )

    return holds


if __name__ == "__main__":
    sys.exit(main())
