"""How a run goes: how much is sent, and which harm is done when; all of it by one seed."""

from dataclasses import dataclass
from random import Random
from typing import NamedTuple

SIZES = (4, 2, 1)
"""How many workers there are after each scaling, over and over; in the beginning there is one."""


@dataclass(frozen=True)
class Plan:
    """How a run goes.

    Attributes:
        events: Updates that are accepted, at the least.
        poison: Records that can't be handled, at the least.
        workers: How often each harm is done to workers.
        others: How often each harm is done to brokers and the API.
        gap: Seconds from one harm to the next of its lane, at the most.
    """

    events: int
    poison: int
    workers: dict[str, int]
    others: dict[str, int]
    gap: float


SHORT = Plan(
    events=5000,
    poison=30,
    workers={"scale": 2, "worker-kill": 2, "worker-freeze": 1},
    others={"broker-kill": 1, "broker-restart": 1, "broker-freeze": 1, "api-kill": 1},
    gap=2.0,
)

LONG = Plan(
    events=100_000,
    poison=500,
    workers={"scale": 10, "worker-kill": 30, "worker-freeze": 10},
    others={"broker-kill": 9, "broker-restart": 4, "broker-freeze": 4, "api-kill": 8},
    gap=8.0,
)


class Step(NamedTuple):
    """A harm that is done.

    Attributes:
        fault: Its name.
        gap: Seconds before it.
        pick: Whom it is done to: a number below 1, for the first to the last of those that there are.
        span: How long it lasts, where that is to be chosen: a number below 1, for the shortest to the longest.
    """

    fault: str
    gap: float
    pick: float
    span: float


def lanes(plan: Plan, seed: int) -> list[list[Step]]:
    """Draw what is done in each of two lanes, which go on beside each other; the first one begins with a scaling."""
    chance = Random(f"{seed}-faults")  # noqa: S311 - it has to be the same again
    workers, others = (_drawn(counts, plan.gap, chance) for counts in (plan.workers, plan.others))
    first = next(step for step in workers if step.fault == "scale")
    workers.sort(key=lambda step: step is not first)
    return [workers, others]


def _drawn(counts: dict[str, int], gap: float, chance: Random) -> list[Step]:
    faults = [fault for fault, count in counts.items() for _ in range(count)]
    chance.shuffle(faults)
    return [Step(fault, chance.uniform(0.5, gap), chance.random(), chance.random()) for fault in faults]
