"""How much the fuzzing tests try, and what to say of it."""

import math
import re

import pytest
from hypothesis import settings

CASES = "cases"
"""The property of a test, as pytest has them, that is the number of requests it has sent to the API."""

_INPUTS = "inputs"
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


def _is_property(item: pytest.Function) -> bool:
    return getattr(item.obj, "is_hypothesis_test", False)


def count(item: pytest.Item) -> None:
    """Count the inputs of a property that was tried: its report tells them, also to another process."""
    found = _PASSING.findall(getattr(item, "hypothesis_statistics", ""))
    item.user_properties.append((_INPUTS, sum(int(number) for pair in found for number in pair)))


def summary(reporter: pytest.TerminalReporter) -> list[str]:
    """Say how much was tried, a line each."""
    ends = [report for report in reporter.getreports("") if report.when == "teardown"]
    tried = [(report.location[2], dict(report.user_properties)) for report in ends]
    inputs = [(name, properties[_INPUTS]) for name, properties in tried if properties[_INPUTS]]
    cases = [properties[CASES] for _, properties in tried if CASES in properties]
    each = [f"{number:>7,} inputs  {name}" for name, number in inputs] if reporter.config.getoption("--inputs") else []
    whole = [f"{sum(number for _, number in inputs):>7,} inputs in all"] if inputs else []
    return [*each, *whole, *(f"{number:>7,} requests to the API" for number in cases)]
