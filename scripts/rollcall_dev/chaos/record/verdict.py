"""What is wrong, if anything is: how much was lost, doubled or inverted, and which promises are broken in words."""

from collections import Counter
from dataclasses import dataclass, field

SHOWN = 5
"""Examples of each fault that are kept."""

LOST, DOUBLED, INVERTED, WRONG = "lost", "doubled", "inverted", "wrong"
"""What may have happened to effects: they are not there, are there twice, out of order, or others than they should."""


@dataclass
class Verdict:
    """What is wrong.

    Attributes:
        counts: How many effects are lost, doubled, inverted or wrong.
        examples: The first of each, in words.
    """

    counts: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    _told: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, *told: object, times: int = 1) -> None:
        """Note what is wrong; nothing, if it is so no times."""
        if times <= 0:
            return
        self.counts[kind] += times
        self._told[kind] += 1
        if self._told[kind] <= SHOWN:
            self.examples.append(f"{kind}: {' '.join(map(str, told))}")
