"""What was measured: samples by name, and what is made of them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import isnan
from pathlib import Path
from statistics import median

import msgspec

_NOISE = 0.05


def median_of_ratios(over: Sequence[float], under: Sequence[float]) -> float:
    """Compare two things that were measured in turns.

    The ratio is taken within each round and then the median of all: what disturbed a whole round cancels.

    Args:
        over: A figure for each round.
        under: What it is to be compared with, round by round.
    """
    return median(a / b for a, b in zip(over, under, strict=True))


class Report:
    """Figures by name, several where they were measured in rounds."""

    def __init__(self) -> None:
        self._samples: defaultdict[str, list[float]] = defaultdict(list)
        self._numbers: dict[str, float] = {}

    def add(self, name: str, value: float) -> None:
        """Take in one more sample."""
        self._samples[name].append(value)

    def set(self, name: str, value: float) -> None:
        """Take in a figure of which there is only one."""
        self._numbers[name] = value

    def compare(self, name: str, over: str, under: str) -> None:
        """Name the median of the ratios of two others."""
        self.set(name, median_of_ratios(self._samples[over], self._samples[under]))

    def __getitem__(self, name: str) -> float:
        if name in self._samples:
            return median(self._samples[name])
        return self._numbers[name]

    def numbers(self) -> dict[str, float]:
        """Give all figures, medians of those that were measured in rounds; without those that are not known."""
        known = {name: self[name] for name in (*self._samples, *self._numbers)}
        return {name: value for name, value in sorted(known.items()) if not isnan(value)}


def show(value: float) -> str:
    """Write a figure with three significant digits, and thousands marked."""
    if isnan(value):
        return "–"  # noqa: RUF001 - a dash
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2  # noqa: PLR2004
    return f"{value:,.{digits}f}"


def conditions(others: float) -> str:
    """Say under which conditions was measured: what share of the machine other processes had."""
    if isnan(others):
        return "What else ran on this machine is not known."
    judgement = "too much to trust small differences" if others > _NOISE else "little"
    return f"Other processes took {others:.0%} of this machine meanwhile: {judgement}."


def write(numbers: Mapping[str, float], path: Path) -> None:
    """Write figures as one JSON object of name to number."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(numbers)) + b"\n")
