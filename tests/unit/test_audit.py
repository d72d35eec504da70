from math import inf

import pytest

from rollcall_dev.chaos.audit import KINDS, Audit, Findings
from rollcall_dev.chaos.ledger import Attempt, Ledger, Outcome
from rollcall_dev.chaos.topic import Entry

ACCEPTED, REJECTED, NOT_WRITTEN, UNKNOWN = Outcome


def _put(number: int, outcome: Outcome, key: str | None = None, *, process: int = 1, begin: float = 0.0) -> Attempt:
    mark = ("trace", f"t-{number}")
    return Attempt("s-1", number % 2, process, key, mark, outcome, begin=begin + number, end=begin + number + 0.5)


def _line(number: int, outcome: Outcome) -> Attempt:
    return Attempt("s-1", number % 2, 1, f"k-{number}", None, outcome, begin=number, end=number)


def _entry(offset: int, number: int, key: str | None = None, *, trace: bool = True) -> Entry:
    return Entry(0, offset, "s-1", number % 2, key or f"i-{number}", f"t-{number}" if trace else "", 0)


def _audit(attempts: list[Attempt], entries: list[Entry], since: float = -inf) -> Findings:
    ledger = Ledger()
    for attempt in attempts:
        ledger.begin(attempt)
    return Audit(ledger, entries, since).run()


def _found(findings: Findings) -> set[str]:
    return {kind for kind in KINDS if findings.counts[kind]}


def test_finds_nothing_where_all_is_well() -> None:
    attempts = [_put(0, ACCEPTED), _put(1, REJECTED), _put(2, ACCEPTED), _put(3, UNKNOWN), _put(5, UNKNOWN)]
    findings = _audit(attempts, [_entry(0, 0), _entry(1, 2), _entry(2, 5)])
    assert (_found(findings), findings.unknown_found) == (set(), 1)


def test_finds_an_accepted_update_that_is_missing() -> None:
    assert _found(_audit([_put(0, ACCEPTED)], [])) == {"missing"}
    assert _found(_audit([_put(0, ACCEPTED, "k")], [])) == {"missing"}
    assert _found(_audit([_put(0, ACCEPTED)], [], since=1)) == set()


@pytest.mark.parametrize("outcome", [REJECTED, NOT_WRITTEN])
def test_finds_a_refused_update_that_is_written(outcome: Outcome) -> None:
    assert _found(_audit([_put(0, outcome)], [_entry(0, 0)])) == {"refused"}
    assert _found(_audit([_line(0, outcome)], [_entry(0, 0, "k-0", trace=False)])) == {"refused"}
    tries = [_put(0, outcome, "k"), _put(2, ACCEPTED, "k")]
    assert _found(_audit(tries, [_entry(0, 2, "k")])) == set()
    assert "refused" in _found(_audit(tries, [_entry(0, 0, "k")]))


def test_finds_an_update_that_is_doubled() -> None:
    assert _found(_audit([_put(0, ACCEPTED)], [_entry(0, 0), _entry(1, 0)])) == {"doubled"}
    unknown_to_all = [_entry(0, 0, "same", trace=False), _entry(1, 0, "same", trace=False)]
    assert _found(_audit([], unknown_to_all)) == {"doubled"}


def test_takes_a_repetition_for_doubled_only_where_the_first_was_known() -> None:
    both = [_entry(0, 0, "k"), _entry(1, 2, "k")]
    assert _found(_audit([_put(0, UNKNOWN, "k"), _put(2, ACCEPTED, "k")], both)) == set()
    assert _found(_audit([_put(0, ACCEPTED, "k"), _put(2, ACCEPTED, "k", process=2)], both)) == set()
    assert _found(_audit([_put(0, ACCEPTED, "k"), _put(2, ACCEPTED, "k")], both)) == {"doubled"}
    assert _found(_audit([_put(0, ACCEPTED, "k"), _put(2, UNKNOWN, "k")], both)) == {"doubled"}


def test_finds_disorder_among_accepted_updates_of_a_student() -> None:
    assert _found(_audit([_put(0, ACCEPTED), _put(1, ACCEPTED)], [_entry(0, 1), _entry(1, 0)])) == {"disorder"}
    assert _found(_audit([_put(0, UNKNOWN), _put(1, ACCEPTED)], [_entry(0, 1), _entry(1, 0)])) == set()


def test_finds_a_record_that_says_something_else() -> None:
    wrong = _entry(0, 0)._replace(state=1)
    assert _found(_audit([_put(0, ACCEPTED)], [wrong])) == {"foreign"}
