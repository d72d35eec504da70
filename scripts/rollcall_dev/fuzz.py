"""The fuzzing tests at length: random requests to a running API, and random inputs of its decoders."""

import argparse
import re
import subprocess
import sys
import tempfile

from rollcall_dev.environment import MEMBERS, PYTHON, ROOT, uv

_PYTEST = [PYTHON, "-m", "pytest", "tests/fuzz"]


def main() -> int:
    """Run the tests, and then one by one the properties that atheris can guide.

    Returns:
        0 if nothing was found.
    """
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description="Look for what breaks the API and its decoders.")
    parser.add_argument("--cases", type=int, default=20_000, help="requests to the API, by schemathesis; 20,000")
    parser.add_argument("--inputs", type=int, default=200_000, help="inputs of the decoders, by Hypothesis; 200,000")
    parser.add_argument("--guided", type=int, default=0, help="seconds for each property, by atheris; 0")
    options = parser.parse_args()
    command = [*_PYTEST, "--timeout=7200", f"--cases={options.cases}", f"--inputs={options.inputs}"]
    broken = subprocess.run(command, check=False, cwd=ROOT).returncode
    found = [node for node in _properties() if not _holds(node, options.guided)] if options.guided else []
    for node in found:
        print(f"broken: {node}, see above")
    return int(bool(broken or found))


def _properties() -> list[str]:
    listed = subprocess.run([*_PYTEST, "--collect-only", "-q"], check=True, cwd=ROOT, capture_output=True, text=True)
    return [line for line in listed.stdout.splitlines() if "::" in line]


def _holds(node: str, seconds: int) -> bool:
    """Let atheris look for a while, in an environment that has it."""
    members = [argument for member in MEMBERS for argument in ("--with-editable", str(member))]
    environment = ["--no-project", "--python", PYTHON, "--with-requirements", str(ROOT / "requirements.txt"), *members]
    command = [uv(), "run", "--quiet", *environment, "--with", "atheris>=3", "python"]
    script = str(ROOT / "scripts/rollcall_dev/guided.py")
    with tempfile.TemporaryDirectory() as folder:  # atheris leaves there what it has found
        run = subprocess.run([*command, script, node, str(seconds)], check=False, cwd=folder, capture_output=True)
    said = (run.stdout + run.stderr).decode(errors="replace")
    if run.returncode == 0:
        tried = re.search(r"number_of_executed_units: *(\d+)", said)
        print(f"{int(tried[1]) if tried else 0:>7,} inputs  {node}, guided", flush=True)
    else:
        print(said)
    return run.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
