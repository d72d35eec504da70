"""What a run has shown: for people, and as figures."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from rollcall_dev.chaos.ledger import Outcome
from rollcall_dev.chaos.record.mutations import Trial
from rollcall_dev.chaos.record.run import Result
from rollcall_dev.chaos.record.verdict import DOUBLED, INVERTED, LOST, WRONG
from rollcall_dev.tables import table

SHOWN = 300
"""Characters of a promise that is broken."""


class Figures(msgspec.Struct):
    """The figures of a run.

    Attributes:
        seed: What all chance was drawn from.
        accepted: Attempts that were accepted.
        unknown: Attempts of unknown outcome.
        rejected: Attempts that were rejected, or not written.
        lost: Effects that there are not, though there should be.
        doubled: Effects that are there twice.
        inverted: Effects that are out of order.
        wrong: What is otherwise not as it should be.
        faults: How often each harm was done.
        mutations: How many mutations were tried.
        mutations_caught: How many of them were found out.
        records: Records in each topic.
        effects: Updates that have had an effect.
        poison: Records that could not be handled.
        lag_seconds: Seconds after the last harm until there was no lag any more.
        seconds: How long the run has taken.
        broken: The promises that are broken, in words.
    """

    seed: int
    accepted: int = 0
    unknown: int = 0
    rejected: int = 0
    lost: int = 0
    doubled: int = 0
    inverted: int = 0
    wrong: int = 0
    faults: dict[str, int] = {}
    mutations: int = 0
    mutations_caught: int = 0
    records: dict[str, int] = {}
    effects: int = 0
    poison: int = 0
    lag_seconds: float = 0.0
    seconds: float = 0.0
    broken: list[str] = []

    def add_run(self, result: Result) -> None:
        """Take in what a run has shown."""
        proof, outcomes, counts = result.proof, result.proof.outcomes, result.proof.verdict.counts
        self.accepted, self.unknown = outcomes[Outcome.ACCEPTED], outcomes[Outcome.UNKNOWN]
        self.rejected = outcomes[Outcome.REJECTED] + outcomes[Outcome.NOT_WRITTEN]
        self.lost, self.doubled, self.inverted, self.wrong = (counts[kind] for kind in (LOST, DOUBLED, INVERTED, WRONG))
        self.faults, self.records, self.effects, self.poison = result.faults, proof.records, proof.effects, proof.poison
        self.lag_seconds, self.seconds = round(result.lag_seconds, 1), round(result.seconds, 1)
        self.broken += result.broken

    def add_trials(self, trials: Sequence[Trial]) -> None:
        """Take in what has come of mutations."""
        self.mutations = len(trials)
        self.mutations_caught = sum(trial.caught for trial in trials)
        for trial in trials:
            self.broken += [f"{trial.mutation}, with the right worker: {broken}" for broken in trial.broken]
            if not trial.caught:
                self.broken.append(f"{trial.mutation} was not found out")

    def table(self) -> str:
        """Lay out all numbers, one a line."""
        rows = []
        for name, value in msgspec.to_builtins(self).items():
            if isinstance(value, dict):
                rows += [(f"{name}: {key}", str(count)) for key, count in value.items()]
            elif isinstance(value, int | float):
                rows.append((name, str(value)))
        return table(rows[0], rows[1:])

    def complaint(self) -> str:
        """Say which promises are broken, one a line."""
        return "\n".join(f"broken: {broken[:SHOWN]}" for broken in self.broken)

    def write(self, path: Path) -> None:
        """Write all figures."""
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self)) + b"\n")
