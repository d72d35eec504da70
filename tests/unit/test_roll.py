"""The fold of a partition's updates, as those see it who read what it gives."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall_domain.activity import HORIZON, MINUTE, Minute
from rollcall_domain.alert import Alert
from rollcall_domain.errors import InvalidStudentIdError, MisplacedError
from rollcall_domain.events import State, StudentRecordUpdate
from rollcall_domain.record import StudentRecord
from rollcall_domain.roll import Place, Roll
from rollcall_domain.rules import ManyLogins, Rules, TwoPlaces, too_long

IN, OUT = State.LoggedIn, State.LoggedOut
HOUR = 60 * MINUTE
START = 1_790_000_000_000 // MINUTE * MINUTE
RULES = Rules([ManyLogins(3, timedelta(minutes=10)), TwoPlaces()], [too_long(timedelta(hours=12))])

Event = tuple[str, State, int]


def roll(partitions: int = 1) -> Roll:
    return Roll(Place(0, partitions), RULES)


def feed(subject: Roll, events: Iterable[Event], first: int = 0) -> None:
    for offset, (student, state, at) in enumerate(events, first):
        subject.apply(StudentRecordUpdate(student, state), at, offset, b"id-%d" % offset)


def fold(*events: Event) -> tuple[StudentRecord, list[Minute], list[Alert]]:
    """Fold events of one student."""
    subject = roll()
    feed(subject, events)
    (record,), minutes, alerts = subject.take()
    return record, list(minutes), list(alerts)


def test_a_stay_counts_when_it_ends() -> None:
    record, _, alerts = fold(("s", IN, START), ("s", OUT, START + HOUR), ("s", IN, START + 3 * HOUR))
    assert (record.state, record.since, record.seen) == (IN, START + 3 * HOUR, START + 3 * HOUR)
    assert (record.logins, record.total, record.version) == (2, HOUR, 2)
    assert alerts == []


def test_the_same_state_again_does_not_begin_anew() -> None:
    record, *_ = fold(("s", OUT, START), ("s", OUT, START + HOUR))
    assert (record.since, record.seen, record.total) == (START, START + HOUR, 0)


def test_what_comes_late_is_counted_and_changes_nothing_else() -> None:
    record, minutes, alerts = fold(
        ("s", IN, START), ("s", OUT, START + HOUR), ("s", IN, START + 2 * MINUTE), ("s", OUT, START + 3 * MINUTE)
    )
    assert (record.state, record.since, record.seen) == (OUT, START + HOUR, START + HOUR)
    assert (record.logins, record.total, record.version) == (2, HOUR, 3)
    assert alerts == []
    assert {(minute.start - START) // MINUTE: (minute.logins, minute.logouts) for minute in minutes} == {
        0: (1, 0),
        60: (0, 1),
        2: (1, 0),
        3: (0, 1),
    }


def test_what_was_applied_already_changes_nothing() -> None:
    subject = roll()
    events = [("s", IN, START), ("s", OUT, START + 1)]
    feed(subject, events)
    subject.take()
    feed(subject, events)
    assert subject.take() == ([], [], [])


def test_each_input_has_a_version_of_its_own() -> None:
    subject = roll()
    update = StudentRecordUpdate("s", IN)
    assert subject.apply(update, START, 7, b"a")
    assert subject.apply(update, START, 3, b"b", inbox=True)
    assert not subject.apply(update, START, 3, b"b", inbox=True)
    assert not subject.apply(update, START, 7, b"a")
    (record,), *_ = subject.take()
    assert (record.version, record.inbox_version, record.logins) == (7, 3, 2)


def test_refuses_students_of_other_partitions_and_ids_that_are_none() -> None:
    subject = roll(partitions=6)
    with pytest.raises(MisplacedError) as refusal:
        feed(subject, ((f"s-{number}", IN, START) for number in range(100)))
    assert 0 < refusal.value.partition < 6
    with pytest.raises(InvalidStudentIdError):
        feed(subject, [("", IN, START)])


def test_many_logins_are_told_once_until_it_has_calmed_down() -> None:
    def cycle(minutes: float) -> list[Event]:
        return [("s", IN, START + int(minutes * MINUTE)), ("s", OUT, START + int(minutes * MINUTE) + 1)]

    *_, alerts = fold(*(event for minutes in (0, 1, 2, 3, 4, 30, 31, 39) for event in cycle(minutes)))
    assert [(alert.rule, alert.at, alert.cause) for alert in alerts] == [
        ("many-logins", START + 2 * MINUTE, "id-4"),
        ("many-logins", START + 39 * MINUTE, "id-14"),
    ]


def test_a_login_while_logged_in_is_told_each_time() -> None:
    *_, alerts = fold(("s", IN, START), ("s", IN, START + HOUR), ("s", IN, START + 2 * HOUR))
    assert [(alert.rule, alert.cause) for alert in alerts] == [("two-places", "id-1"), ("two-places", "id-2")]
    assert len({alert.id for alert in alerts}) == 2


def test_a_stay_that_is_too_long_is_told_by_the_clock_once() -> None:
    subject = roll()
    feed(subject, [("s", IN, START)])
    due = subject.next_due()
    assert due is not None
    assert 0 <= due - (START + 12 * HOUR) <= 1000
    subject.tick(due - 1001)
    assert subject.take().alerts == []
    subject.tick(due)
    subject.tick(due + HOUR)
    (told,) = subject.take().alerts
    assert (told.rule, told.at, told.cause) == ("too-long", START + 12 * HOUR, str(START))
    feed(subject, [("s", OUT, START + 20 * HOUR)], 1)
    assert subject.take().alerts == []
    assert subject.next_due() is None


def test_the_end_of_a_stay_tells_the_same_as_the_clock() -> None:
    *_, alerts = fold(("s", IN, START), ("s", OUT, START + 12 * HOUR))
    subject = roll()
    feed(subject, [("s", IN, START)])
    subject.tick(START + 13 * HOUR)
    assert subject.take().alerts == alerts
    assert len(alerts) == 1


def test_a_further_stay_is_watched_as_well() -> None:
    subject = roll()
    feed(subject, [("s", IN, START), ("s", OUT, START + HOUR), ("s", IN, START + 2 * HOUR)])
    subject.tick(START + 13 * HOUR)
    assert subject.take().alerts == []
    subject.tick(START + 14 * HOUR)
    assert [alert.cause for alert in subject.take().alerts] == [str(START + 2 * HOUR)]


def test_a_minute_beyond_the_horizon_is_not_counted_any_more() -> None:
    _, minutes, _ = fold(("s", IN, START), ("s", OUT, START + HORIZON * MINUTE), ("s", IN, START))
    assert [(minute.start, minute.logins, minute.logouts) for minute in minutes] == [
        (START, 1, 0),
        (START + HORIZON * MINUTE, 0, 1),
    ]


events = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from([IN, OUT]),
        st.one_of(st.integers(0, 40 * MINUTE), st.integers(0, 9 * 24 * HOUR)).map(lambda span: START + span),
    ),
    max_size=40,
)


@given(events, st.lists(st.integers(0, 40), max_size=6), st.integers(0, 10 * 24 * HOUR))
def test_it_does_not_matter_when_it_is_taken_nor_when_it_is_restored(
    given_events: list[Event], cuts: list[int], now: int
) -> None:
    whole = roll()
    feed(whole, given_events)
    whole.tick(START + now)
    expected = whole.take()
    records: dict[str, StudentRecord] = {}
    minutes: dict[str, Minute] = {}
    alerts: list[Alert] = []
    bounds = [0, *sorted(min(cut, len(given_events)) for cut in cuts), len(given_events)]
    for first, last in pairwise(bounds):
        subject = roll()
        for minute in minutes.values():
            subject.restore_minute(Minute(minute.partition, minute.start, minute.logins, minute.logouts))
        for record in records.values():
            subject.restore_record(record)
        subject.restored()
        middle = (first + last) // 2
        for begin, end in ((first, middle), (middle, last)):
            feed(subject, given_events[begin:end], begin)
            if end == len(given_events):
                subject.tick(START + now)
            changes = subject.take()
            records |= {record.student_id: record for record in changes.records}
            minutes |= {
                minute.key: Minute(minute.partition, minute.start, minute.logins, minute.logouts)
                for minute in changes.minutes
            }
            alerts += changes.alerts
    assert records == {record.student_id: record for record in expected.records}
    assert minutes == {minute.key: minute for minute in expected.minutes}
    assert {alert.id: alert for alert in alerts} == {alert.id: alert for alert in expected.alerts}
    assert len(alerts) == len(expected.alerts)
