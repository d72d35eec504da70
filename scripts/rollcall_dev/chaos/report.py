"""What runs have shown, for people."""

from collections.abc import Sequence

from rollcall_dev.chaos.audit import KINDS
from rollcall_dev.chaos.ingest import Result
from rollcall_dev.chaos.ledger import Outcome

_OUTCOMES = [outcome.value for outcome in Outcome]
_COLUMNS = ["fault", "attempts", *_OUTCOMES, "in the log", *KINDS, "slowest s", "healthy s"]


def table(results: Sequence[Result]) -> str:
    """Draw a table with a row for each run. Of those of unknown outcome, some are in the log."""
    rows = [_COLUMNS, *map(_row, results)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if not n else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


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
