"""What a drill has shown: for people, and as figures."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from rollcall_dev.tables import table

SHOWN = 300
"""Characters of a promise that is broken."""


@dataclass
class Report:
    """What a drill has shown.

    Attributes:
        figures: All of them, by name.
        broken: The promises that are broken, in words.
    """

    figures: dict[str, float | str]
    broken: list[str]

    def __post_init__(self) -> None:
        """Cut what is broken to what can be read."""
        self.broken = [broken[:SHOWN] for broken in self.broken]

    def table(self) -> str:
        """Lay out all figures, one a line."""
        first, *others = [(name, str(value)) for name, value in self.figures.items()]
        return table(first, others)

    def write(self, path: Path) -> None:
        """Write all figures, and which promises are broken, as one JSON object."""
        told = {**self.figures, "broken": self.broken}
        path.write_bytes(msgspec.json.format(msgspec.json.encode(told)) + b"\n")


def unlike(figures: Mapping[str, float | str], expected: Mapping[str, float | str]) -> Iterator[str]:
    """Name the figures that are not what they have to be."""
    for name, value in expected.items():
        if figures[name] != value:
            yield f"{name} is {figures[name]}, not {value}"
