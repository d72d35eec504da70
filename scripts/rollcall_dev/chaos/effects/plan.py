"""How a run goes: how many alerts, and which harm is done when; all of it by one seed."""

from dataclasses import dataclass
from random import Random
from typing import NamedTuple

KILL, SCALE = "worker-kill", "scale"

FEWEST, MOST = 1, 4
"""Workers that there are at the least, and at the most."""

BEGIN = 2
"""Workers in the beginning."""

GAP = (0.5, 6.0)
"""Seconds from one harm to the next; one that waits for work comes later."""

SPACE = 5.0
"""Seconds of load for each harm: a group that has lost a worker stands still until its session is over."""

AT_WORK = 0.75
"""Share of kills that wait until their victim is at work. The others come whatever goes on."""

UP = 0.6
"""Share of scalings that are to be one worker more."""

LOYALTY = 25
"""Alerts of a student, on average."""


@dataclass(frozen=True)
class Plan:
    """How a run goes.

    Attributes:
        alerts: How many are written.
        kills: How often a worker is killed.
        scalings: How often there is one worker more, or one less.
    """

    alerts: int = 50_000
    kills: int = 20
    scalings: int = 10

    @property
    def students(self) -> int:
        """Whose alerts they are."""
        return max(1, self.alerts // LOYALTY)

    @property
    def seconds(self) -> float:
        """How long it takes to write them."""
        return SPACE * max(1, self.kills + self.scalings)


class Step(NamedTuple):
    """A harm that is done.

    Attributes:
        fault: Its name.
        gap: Seconds before it.
        pick: Whom it is done to: a number below 1, for the first to the last of those that there are.
        up: Whether there is to be one worker more, where there may be one more or one less.
        at_work: Whether it waits until the victim is at work.
        delay: Seconds for which it waits from then on.
    """

    fault: str
    gap: float
    pick: float
    up: bool
    at_work: bool
    delay: float


DELAY = 0.3
"""Seconds for which a harm waits at the most once its victim is at work: some are done a commit later, or two."""


def steps(plan: Plan, seed: int) -> list[Step]:
    """Draw what is done."""
    chance = Random(f"{seed}-faults")  # noqa: S311 - it has to be the same again
    faults = [KILL] * plan.kills + [SCALE] * plan.scalings
    chance.shuffle(faults)
    return [
        Step(
            fault,
            chance.uniform(*GAP),
            chance.random(),
            up=chance.random() < UP,
            at_work=chance.random() < AT_WORK,
            delay=chance.uniform(0, DELAY),
        )
        for fault in faults
    ]
