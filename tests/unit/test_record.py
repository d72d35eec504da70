"""What is known of a student, as updates come in."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall_domain.errors import InvalidStudentIdError, MisplacedError
from rollcall_domain.events import State
from rollcall_domain.record import INBOX
from rollcall_domain.roll import Place
from support.rolls import HOUR, IN, MINUTE, OUT, Book, Update, story


def test_a_student_whose_first_update_is_a_logout_was_never_in() -> None:
    book = Book()
    book.apply(Update(5, "s-1", OUT, HOUR))
    record = book.record()
    assert (record.state, record.since, record.logins, record.total, record.version) == (OUT, HOUR, 0, 0, 5)


def test_who_logs_in_again_is_in_since_the_first_time() -> None:
    book = Book()
    book.apply(*story((IN, HOUR), (IN, 2 * HOUR), (OUT, 4 * HOUR), (OUT, 5 * HOUR)))
    record = book.record()
    assert (record.logins, record.total, record.since, record.seen) == (2, 3 * HOUR, 4 * HOUR, 5 * HOUR)


def test_an_update_that_was_applied_changes_nothing() -> None:
    book = Book()
    updates = [*story((IN, HOUR), (OUT, 2 * HOUR)), Update(0, "s-1", IN, 3 * HOUR, source=INBOX)]
    assert book.apply(*updates) == [True] * 3
    records, minutes, alerts = book.records(), book.minutes(), list(book.alerts)
    for _ in range(2):
        assert book.apply(*updates) == [False] * 3
        assert book.roll.take() == ([], [], [])
        book.restart()
    assert (book.records(), book.minutes(), book.alerts) == (records, minutes, alerts)


def test_students_are_apart() -> None:
    book = Book()
    book.apply(Update(0, "s-1", IN, HOUR), Update(1, "s-2", OUT, 2 * HOUR), Update(2, "s-é", IN, 3 * HOUR))
    assert [(r.student_id, r.state, r.since) for r in book.records()] == [
        ("s-1", IN, HOUR),
        ("s-2", OUT, 2 * HOUR),
        ("s-é", IN, 3 * HOUR),
    ]
    assert len(book.roll) == 3


@given(st.lists(st.tuples(st.sampled_from(State), st.integers(0, 60)), min_size=1, max_size=30))
def test_a_record_is_what_its_updates_say_together(steps: list[tuple[State, int]]) -> None:
    book = Book()
    book.apply(*story(*((state, minute * MINUTE) for state, minute in steps)))
    timely: list[tuple[State, int]] = []
    for state, minute in steps:
        if not timely or minute >= timely[-1][1]:
            timely.append((state, minute))
    turns = [step for before, step in zip([None, *timely], timely, strict=False) if not before or before[0] != step[0]]
    stays = pairwise(turns)
    record = book.record()
    assert (record.state, record.since) == (turns[-1][0], turns[-1][1] * MINUTE)
    assert record.seen == timely[-1][1] * MINUTE
    assert record.logins == sum(state is IN for state, _ in steps)
    assert record.total == sum(end - begin for (state, begin), (_, end) in stays if state is IN) * MINUTE
    assert record.version == len(steps) - 1


def test_students_of_other_partitions_and_ids_that_are_none_are_refused() -> None:
    book = Book(place=Place(0, 6))
    with pytest.raises(MisplacedError) as refusal:
        book.apply(*(Update(number, f"s-{number}", IN, HOUR) for number in range(100)))
    assert 0 < refusal.value.partition < 6
    with pytest.raises(InvalidStudentIdError):
        book.apply(Update(100, "", IN, HOUR))
