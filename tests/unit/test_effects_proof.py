from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from rollcall_dev.chaos.effects.alerts import Act, Kind
from rollcall_dev.chaos.effects.harm import Harm
from rollcall_dev.chaos.effects.ledger import Entry, Mark
from rollcall_dev.chaos.effects.letters import WHY, Origin
from rollcall_dev.chaos.effects.plan import KILL
from rollcall_dev.chaos.effects.proof import Evidence, Proof, prove
from rollcall_dev.chaos.record.log import Line
from rollcall_dev.chaos.record.verdict import DOUBLED, INVERTED, LOST, WRONG
from rollcall_domain import codec
from rollcall_domain.alert import Alert, alert

SECOND = 1_000_000_000
EARLY, LATE = 1, 2
"""Processes: the first is killed at the end of second 10."""

PLAIN, FAILS, REFUSED = (
    alert("ledger", "s-1", 0, str(offset), str(act))
    for offset, act in enumerate([Act(Kind.PLAIN, 0), Act(Kind.FAILS, 1), Act(Kind.REFUSED, 0)])
)
ALERTS = [PLAIN, FAILS, REFUSED]
LOG = [Line(offset, 7, b"s-1", codec.encode(each), ()) for offset, each in enumerate(ALERTS)]

Change = Callable[[Evidence], Evidence]


def entry(second: float, mark: Mark, of: Alert, attempt: int = 1, process: int = EARLY) -> Entry:
    return Entry(int(second * SECOND), mark, of.id, attempt, f"Alerts-0-{ALERTS.index(of)}", process)


def letter(**changes: object) -> Line:
    reason, detail = WHY[Kind.REFUSED]
    told = {"reason": reason, "detail": detail, "group": "g", "topic": "Alerts"} | changes
    told |= {"partition": 0, "offset": 2, "timestamp": 7}
    headers = [("id", b"Alerts-0-2"), *((f"dead-letter.{name}", str(value).encode()) for name, value in told.items())]
    return Line(0, 7, LOG[2].key, LOG[2].value, tuple(headers))


def evidence() -> Evidence:
    """Give what was seen where all is well: the first alert was handled again after a kill."""
    entries = [
        entry(9.0, Mark.BEGUN, PLAIN),
        entry(9.9, Mark.DONE, PLAIN),
        entry(16.0, Mark.BEGUN, PLAIN, process=LATE),
        entry(16.1, Mark.DONE, PLAIN, process=LATE),
        entry(17.0, Mark.BEGUN, FAILS, process=LATE),
        entry(17.1, Mark.FAILED, FAILS, process=LATE),
        entry(18.0, Mark.BEGUN, FAILS, 2, process=LATE),
        entry(18.1, Mark.DONE, FAILS, 2, process=LATE),
        entry(19.0, Mark.BEGUN, REFUSED, process=LATE),
        entry(19.1, Mark.FAILED, REFUSED, process=LATE),
    ]
    parked = [Line(0, 7, b"Alerts-0@1", b"{}", ()), Line(1, 7, b"Alerts-0@1", None, ())]
    harms = [Harm(10 * SECOND, KILL, EARLY)]
    return Evidence(ALERTS, [LOG], entries, harms, [[letter()]], [parked], Origin("g", "Alerts"))


def changed(change: Callable[[list[Entry]], object]) -> Change:
    """Change what ledgers say."""

    def apply(seen: Evidence) -> Evidence:
        entries = [*seen.entries]
        change(entries)
        return replace(seen, entries=sorted(entries))

    return apply


def letters(*lines: Line) -> Change:
    """Have other dead letters."""
    return lambda seen: replace(seen, letters=[lines])


def without(mark: Mark, of: Alert) -> Callable[[list[Entry]], object]:
    """Leave something out that was noted."""

    def change(entries: list[Entry]) -> None:
        entries[:] = [each for each in entries if (each.mark, each.alert) != (mark, of.id)]

    return change


def moved(mark: Mark, of: Alert, second: float) -> Callable[[list[Entry]], object]:
    """Have something noted at another time."""

    def change(entries: list[Entry]) -> None:
        place = next(n for n, each in enumerate(entries) if (each.mark, each.alert) == (mark, of.id))
        entries[place] = entries[place]._replace(at=int(second * SECOND))

    return change


def counts(proof: Proof) -> Sequence[str]:
    return [kind for kind, count in proof.verdict.counts.items() if count]


def test_finds_nothing_wrong_where_nothing_is() -> None:
    proof = prove(evidence())
    assert proof.verdict.examples == []
    assert (proof.repeats.count, proof.repeats.explained, proof.repeats.longest) == (1, 1, SECOND // 10)
    assert proof.letters == {"refused": 1}
    assert [(recovery.seconds, recovery.alone) for recovery in proof.recoveries] == [(6.0, True)]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (changed(without(Mark.DONE, FAILS)), LOST),
        (letters(), LOST),
        (letters(letter(), letter()), DOUBLED),
        (letters(letter(reason="effect-failed")), WRONG),
        (letters(letter()._replace(value=b"{}")), WRONG),
        (letters(letter()._replace(key=b"s-2")), WRONG),
        (changed(lambda entries: entries.append(entry(20, Mark.DONE, REFUSED, process=LATE))), WRONG),
        (changed(lambda entries: entries.append(entry(20, Mark.DONE, FAILS, 2, process=LATE))), DOUBLED),
        (changed(moved(Mark.DONE, PLAIN, 3.0)), DOUBLED),
        (lambda seen: replace(seen, harms=[]), DOUBLED),
        (lambda seen: replace(seen, harms=[Harm(17 * SECOND, KILL, EARLY)]), DOUBLED),
        (changed(moved(Mark.BEGUN, REFUSED, 17.5)), INVERTED),
        (changed(without(Mark.FAILED, FAILS)), WRONG),
        (changed(lambda entries: entries.append(entries[-1]._replace(delivery="Alerts-0-9"))), WRONG),
        (lambda seen: replace(seen, parked=[seen.parked[0][:1]]), WRONG),
        (lambda seen: replace(seen, written=ALERTS[:2]), WRONG),
    ],
)
def test_finds_what_is_wrong(change: Change, found: str) -> None:
    assert counts(prove(change(evidence()))) == [found]
