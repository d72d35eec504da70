"""What a run has shown: for people, and as figures."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from rollcall_dev.chaos.effects.ledger import Mark
from rollcall_dev.chaos.effects.mutations import Trial
from rollcall_dev.chaos.effects.recovery import Recovery
from rollcall_dev.chaos.effects.repeats import SECOND
from rollcall_dev.chaos.effects.run import Result
from rollcall_dev.chaos.record.verdict import DOUBLED, INVERTED, LOST, WRONG
from rollcall_dev.tables import table

SHOWN = 300
"""Characters of a promise that is broken."""


class Figures(msgspec.Struct):
    """The figures of a run.

    Attributes:
        seed: What all chance was drawn from.
        alerts: Alerts in the log.
        tries: Tries that have begun.
        successes: Tries that have succeeded.
        failed: Tries that have failed.
        cut: Tries that were cut short.
        repeats: Successes beyond the first of each alert.
        repeats_explained: Those that followed a kill of who had succeeded before.
        longest_gap_ms: Milliseconds from a success to the kill that made it be repeated, at the most.
        letters: Dead letters, by reason.
        redriven: Dead letters that have succeeded once they were sent back.
        lost: Effects that there are not, though there should be.
        doubled: Effects that are there twice without need.
        inverted: Effects that are out of order.
        wrong: What is otherwise not as it should be.
        faults: How often each harm was done.
        times: When each was done, in seconds from the first one on.
        recovery_p50_s: Seconds after a kill until all that the victim had was worked on again, where no other harm was
            done meanwhile, in the median.
        recovery_max_s: The same at the most.
        recovery_beside_max_s: The same at the most, where other harm was done meanwhile.
        lag_seconds: Seconds after the last harm and the last alert until all was handled.
        seconds: How long the run has taken.
        mutations: How many mutations were tried.
        mutations_caught: How many of them were found out.
        broken: The promises that are broken, in words.
    """

    seed: int
    alerts: int = 0
    tries: int = 0
    successes: int = 0
    failed: int = 0
    cut: int = 0
    repeats: int = 0
    repeats_explained: int = 0
    longest_gap_ms: int = 0
    letters: dict[str, int] = {}
    redriven: int = 0
    lost: int = 0
    doubled: int = 0
    inverted: int = 0
    wrong: int = 0
    faults: dict[str, int] = {}
    times: list[tuple[float, str]] = []
    recovery_p50_s: float = 0.0
    recovery_max_s: float = 0.0
    recovery_beside_max_s: float = 0.0
    lag_seconds: float = 0.0
    seconds: float = 0.0
    mutations: int = 0
    mutations_caught: int = 0
    broken: list[str] = []

    def add_run(self, result: Result) -> None:
        """Take in what a run has shown."""
        proof, counts = result.proof, result.proof.verdict.counts
        self.alerts, self.letters, self.redriven = len(proof.stories), dict(proof.letters), result.redriven
        self.tries, self.successes, self.failed, self.cut = (
            proof.marks[mark] for mark in (Mark.BEGUN, Mark.DONE, Mark.FAILED, Mark.CUT)
        )
        self.repeats, self.repeats_explained = proof.repeats.count, proof.repeats.explained
        self.longest_gap_ms = round(1000 * proof.repeats.longest / SECOND)
        self.lost, self.doubled, self.inverted, self.wrong = (counts[kind] for kind in (LOST, DOUBLED, INVERTED, WRONG))
        self.faults = dict(Counter(harm.fault for harm in result.harms))
        self.times = [(round((harm.at - result.harms[0].at) / SECOND, 2), harm.fault) for harm in result.harms]
        self._add_recoveries(proof.recoveries)
        self.lag_seconds, self.seconds = round(result.lag_seconds, 1), round(result.seconds, 1)
        self.broken += result.broken

    def _add_recoveries(self, recoveries: Sequence[Recovery]) -> None:
        alone, beside = (
            [round(each.seconds, 1) for each in recoveries if each.alone is kind] for kind in (True, False)
        )
        if alone:
            self.recovery_p50_s, self.recovery_max_s = alone[len(alone) // 2], alone[-1]
        self.recovery_beside_max_s = beside[-1] if beside else 0.0

    def add_trials(self, trials: Sequence[Trial]) -> None:
        """Take in what has come of mutations."""
        self.mutations = len(trials)
        self.mutations_caught = sum(trial.caught for trial in trials)
        self.broken += [f"{trial.mutation} was not found out" for trial in trials if not trial.caught]

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
