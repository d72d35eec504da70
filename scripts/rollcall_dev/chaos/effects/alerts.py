"""The alerts that are written, each of which says what its handler is to do."""

from collections.abc import Iterator
from enum import StrEnum
from random import Random
from typing import NamedTuple

from rollcall_dev.chaos.effects.plan import Plan
from rollcall_domain.alert import Alert, alert

RULE = "ledger"


class Kind(StrEnum):
    """What becomes of an alert."""

    PLAIN = "plain"
    FAILS = "fails"
    HANGS = "hangs"
    POISON = "poison"
    REFUSED = "refused"

    @property
    def is_dead(self) -> bool:
        """Whether it belongs among the dead letters."""
        return self in {Kind.POISON, Kind.REFUSED}


SHARES = {Kind.PLAIN: 915, Kind.FAILS: 50, Kind.HANGS: 15, Kind.POISON: 10, Kind.REFUSED: 10}
"""How many of a thousand alerts are of each kind."""

MOST_FAILURES = 3
"""How often an alert fails at the most that succeeds after all."""


class Act(NamedTuple):
    """What a handler is to do.

    Attributes:
        kind: What becomes of the alert in the end.
        failures: How many tries fail before one succeeds, if one is to.
    """

    kind: Kind
    failures: int

    def __str__(self) -> str:
        return f"{self.kind} {self.failures}"


def act_of(event: Alert) -> Act:
    """Read what the handler of an alert is to do."""
    kind, failures = event.detail.split()
    return Act(Kind(kind), int(failures))


def drawn(plan: Plan, seed: int) -> Iterator[Alert]:
    """Draw the alerts of a run; the first students come far more often than the last."""
    chance = Random(f"{seed}-alerts")  # noqa: S311 - it has to be the same again
    kinds, shares = [*SHARES], [*SHARES.values()]
    for number in range(plan.alerts):
        student = f"s-{int(chance.random() ** 2 * plan.students)}"
        (kind,) = chance.choices(kinds, shares)
        failures = {Kind.FAILS: chance.randint(1, MOST_FAILURES), Kind.HANGS: 1}.get(kind, 0)
        yield alert(RULE, student, number, str(number), str(Act(kind, failures)))
