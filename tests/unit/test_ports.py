"""Free ports, which several processes choose at the same time."""

import os
import subprocess
import sys

import pytest

from rollcall_dev.kafka import ports

CHOOSE = """
from rollcall_dev.kafka import ports
ports._RANGE = range(29_900, 30_000)
print(*ports.choose_several(40))
"""


def test_a_port_that_is_chosen_here_is_chosen_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_RANGE", range(29_900, 30_000))
    here = ports.choose_several(40)
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", CHOOSE], env=environ, capture_output=True, check=True, text=True)
    there = [int(port) for port in run.stdout.split()]
    assert len({*here, *there}) == 80


def test_ports_that_were_chosen_long_ago_can_be_chosen_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_RANGE", range(29_700, 29_800))
    for _ in range(10):
        ports.choose_several(30)
