"""A property of tests/fuzz, given inputs that reach code which none has reached before, by atheris.

python guided.py tests/fuzz/test_lines.py::test_name SECONDS

Runs by itself, in an environment that has atheris, which is not to be had for every system.
"""

import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType

import atheris
import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[2]
LARGEST = 4096
"""Bytes that atheris draws an input from, at the most."""


def main(node: str, seconds: str) -> None:
    """Look for an input that breaks the property. Never returns: atheris ends the process."""
    file, _, name = node.partition("::")
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "scripts")]
    with atheris.instrument_imports(include=["rollcall_domain", "rollcall_producer"]):
        module = _load(ROOT / file)
    settings.register_profile("guided", database=None, deadline=None)
    settings.load_profile("guided")
    attempt = getattr(module, name)
    if not getattr(attempt, "is_hypothesis_test", False) or inspect.signature(attempt).parameters:
        print(f"left out: {node}, which is no property of inputs alone")
        sys.exit()
    getattr(module, "prepare", lambda _: None)(pytest.MonkeyPatch())
    options = [f"-max_total_time={seconds}", f"-max_len={LARGEST}", "-verbosity=0", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options], attempt.hypothesis.fuzz_one_input)
    atheris.Fuzz()


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None  # noqa: S101 - there is such a file
    assert spec.loader is not None  # noqa: S101 - as above
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main(*sys.argv[1:])
