"""Two logs side by side: what a mirror has copied, what it has copied again, and what it has left out."""

from rollcall_dev.chaos.ledger import Attempt, Ledger, Outcome
from rollcall_dev.chaos.record.log import Line
from rollcall_dev.drill.disaster.copies import compare, lost, sent_to, without


def line(offset: int, name: str) -> Line:
    return Line(offset, 1_800_000_000_000, b"s", name.encode(), (("id", name.encode()),))


def log(*names: str) -> list[list[Line]]:
    return [[line(offset, name) for offset, name in enumerate(names)]]


def test_what_is_behind_the_last_copy_is_the_tail() -> None:
    copies = compare(log("a", "b", "c", "d"), log("a", "b"))
    assert (copies.made, copies.again, copies.faults) == (2, set(), [])
    assert copies.tail_ids == {"c", "d"}


def test_what_was_written_in_the_second_log_is_no_copy() -> None:
    copies = compare(log("a", "b"), log("a", "x", "b"))
    assert (copies.made, copies.again, copies.tail, copies.faults) == (2, set(), [], [])


def test_copies_of_what_is_there_are_told_from_the_first_ones() -> None:
    copies = compare(log("a", "b", "c"), log("a", "b", "a", "b", "c", "c"))
    assert (copies.made, copies.again, copies.faults) == (3, {(0, 2), (0, 3), (0, 5)}, [])


def test_the_same_update_written_once_more_is_no_copy() -> None:
    first = log("a")
    (sent_again,) = log("a")[0]
    second = [[*first[0], sent_again._replace(offset=1, timestamp=sent_again.timestamp + 1)]]
    assert compare(first, second).again == set()


def test_a_record_that_was_left_out_is_a_fault() -> None:
    copies = compare(log("a", "b", "c"), log("a", "c"))
    assert len(copies.faults) == 1
    assert "was not copied" in copies.faults[0]


def test_a_record_that_comes_too_late_is_a_fault() -> None:
    assert compare(log("a", "b", "c"), log("a", "c", "b")).faults


def test_what_was_accepted_and_is_not_there_is_lost() -> None:
    ledger = Ledger()
    told = {"a": Outcome.ACCEPTED, "b": Outcome.ACCEPTED, "c": Outcome.UNKNOWN}
    for key, outcome in told.items():
        ledger.begin(Attempt("s", 0, 1, key)).settle(outcome)
    assert [*lost(ledger, log("a"))] == ["b"]
    assert [attempt.key for attempt in without(ledger, {"b"}).attempts] == ["a", "c"]


def test_attempts_are_told_from_each_other_by_where_they_were_sent() -> None:
    ledger = Ledger()
    for process in (1, 2, 1001):
        ledger.begin(Attempt("s", 0, process, f"k-{process}"))
    assert [attempt.process for attempt in sent_to(ledger, range(1000)).attempts] == [1, 2]
