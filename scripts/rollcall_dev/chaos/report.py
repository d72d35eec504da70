"""What runs have shown, for people."""

from collections.abc import Sequence

from rollcall_dev.chaos.audit import KINDS
from rollcall_dev.chaos.ingest import Result
from rollcall_dev.chaos.ledger import Outcome
from rollcall_dev.tables import table

_OUTCOMES = [outcome.value for outcome in Outcome]
_COLUMNS = ["fault", "attempts", *_OUTCOMES, "in the log", *KINDS, "slowest s", "healthy s"]


def summary(results: Sequence[Result]) -> str:
    """Lay out a row for each run. Of those of unknown outcome, some are in the log."""
    return table(_COLUMNS, [*map(_row, results)])


def _row(result: Result) -> list[str]:
    findings = result.findings
    return [
        result.fault,
        str(sum(result.counts.values())),
        *(str(result.counts[outcome]) for outcome in _OUTCOMES),
        str(findings.unknown_found),
        *(str(findings.counts[kind]) for kind in KINDS),
        f"{result.slowest:.2f}",
        f"{result.recovery:.2f}",
    ]
