"""How much the fuzzing tests try, and what to say of it."""

import math
import re

import pytest
from hypothesis import settings

CASES = pytest.StashKey[int]()
"""Requests that the API was sent."""

_INPUTS = pytest.StashKey[dict[str, int]]()
_SHORT = 100
_PASSING = re.compile(r"(\d+) passing, (\d+) failing")


def add_options(parser: pytest.Parser) -> None:
    """Let it be said how much to try."""
    group = parser.getgroup("fuzzing")
    group.addoption("--cases", type=int, default=400, help="requests to the API; default: some 400")
    group.addoption(
        "--inputs", type=int, help=f"random inputs of all properties; default: {_SHORT} of each, always the same"
    )


def configure(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Spread the inputs over the properties."""
    inputs = config.getoption("--inputs")
    properties = [item.obj for item in items if isinstance(item, pytest.Function) and _is_property(item)]
    spread = settings(
        max_examples=_SHORT if inputs is None else math.ceil(inputs / max(1, len(properties))),
        derandomize=inputs is None,
        database=None,
        deadline=None,  # how long it takes depends on the machine
    )
    for attempt in properties:
        spread(attempt)
    config.stash[_INPUTS] = {}


def _is_property(item: pytest.Function) -> bool:
    return getattr(item.obj, "is_hypothesis_test", False)


def count(item: pytest.Item) -> None:
    """Count the inputs of a property that was tried."""
    found = _PASSING.findall(getattr(item, "hypothesis_statistics", ""))
    item.config.stash[_INPUTS][item.name] = sum(int(number) for pair in found for number in pair)


def summary(config: pytest.Config) -> list[str]:
    """Say how much was tried, a line each."""
    inputs = {name: number for name, number in config.stash.get(_INPUTS, {}).items() if number}
    each = [f"{number:>7,} inputs  {name}" for name, number in inputs.items()] if config.getoption("--inputs") else []
    whole = [f"{sum(inputs.values()):>7,} inputs in all"] if inputs else []
    return [*each, *whole, *([f"{config.stash[CASES]:>7,} requests to the API"] if CASES in config.stash else [])]
