"""A school day as it is planned."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall_dev.school.classes import LAST_LESSONS, SIZE, classes
from rollcall_dev.school.day import INTRUDER, Update, days, inside
from rollcall_dev.school.timetable import CLOSES, PAUSES, PERIODS, Period, period, shown, time
from rollcall_domain.events import check_student_id
from rollcall_domain.rules import ManyLogins, Rules, TwoPlaces
from support import rolls
from support.rolls import HOUR, IN, OUT, SECOND, Book

SEEDS = st.integers(0, 2**32)
STUDENTS = st.integers(1, 600)

SPEED = 60


def _day(students: int = 500, seed: int = 1) -> list[Update]:
    return next(days(classes(students), seed))


def _by_student(updates: Iterable[Update]) -> dict[str, list[Update]]:
    students: defaultdict[str, list[Update]] = defaultdict(list)
    for update in updates:
        students[update.student].append(update)
    return dict(students)


def _within(updates: Iterable[Update], period: Period) -> list[Update]:
    return [update for update in updates if period.begin <= update.at < period.end]


def _twice(updates: Iterable[Update]) -> list[Update]:
    """Give the logins of students who are logged in."""
    return [
        after
        for student in _by_student(updates).values()
        for before, after in pairwise(student)
        if before.state == after.state == IN
    ]


@given(STUDENTS, SEEDS)
def test_the_same_seed_gives_the_same_days_and_another_one_others(students: int, seed: int) -> None:
    first, second = islice(days(classes(students), seed), 2)
    assert [first, second] == [*islice(days(classes(students), seed), 2)]
    assert first != second
    assert _day(students, seed + 1) != first


@given(STUDENTS, SEEDS)
def test_a_day_is_in_order_and_within_its_hours(students: int, seed: int) -> None:
    updates = _day(students, seed)
    assert updates == sorted(updates, key=lambda update: update.at)
    assert all(PERIODS["arrival"].begin <= update.at < CLOSES for update in updates)


@given(STUDENTS, SEEDS)
def test_a_student_comes_first_and_then_goes_and_comes_in_turns_but_for_one(students: int, seed: int) -> None:
    updates = _day(students, seed)
    twice = _twice(updates)
    assert len(twice) <= 1
    for student, own in _by_student(updates).items():
        states = [update.state for update in own if update not in twice]
        assert states == [(IN, OUT)[turn % 2] for turn in range(len(states))], student


@given(STUDENTS, SEEDS)
def test_all_who_come_go_but_a_few_who_forget_and_are_logged_out_before_the_next_day(students: int, seed: int) -> None:
    first, second = islice(days(classes(students), seed), 2)
    forgetful = inside(first)
    assert len(forgetful) <= 1 + students * 0.01
    assert len(forgetful) >= (students > 10)
    caretaker = _within(second, PERIODS["before school"])
    assert sorted(update.student for update in caretaker) == sorted(forgetful)
    assert {update.state for update in caretaker} <= {OUT}


@given(st.integers(200, 600), SEEDS)
def test_the_whole_school_can_be_seen_in_the_counts(students: int, seed: int) -> None:
    updates = _day(students, seed)
    arrivals, latecomers = (
        [update for update in _within(updates, PERIODS[name]) if update.state is IN]
        for name in ("arrival", "first lesson")
    )
    assert 0.8 * students < len(arrivals) < students
    assert len(latecomers) < 0.1 * students
    for pause in PAUSES[:2]:
        goings, comings = ([u for u in _within(updates, pause) if u.state is state] for state in (OUT, IN))
        assert len(goings) == len(comings) > 0.3 * students
        assert max(update.at for update in goings) < min(update.at for update in comings)
    lesson = [update for update in _within(updates, PERIODS["third lesson"]) if update.student != INTRUDER]
    assert lesson == []


def test_classes_go_home_at_different_times() -> None:
    updates = _day()
    lasts = [own[-1] for own in _by_student(updates).values()]
    homes = [
        min(last.at for last in lasts if last.state is OUT and last.student.startswith(f"{grade}a-"))
        for grade in LAST_LESSONS
    ]
    periods = [period(home) for home in homes]
    assert periods[:2] == ["lunch", "lunch"]
    assert periods[3] == "seventh lesson"
    assert periods[-1] == "clubs"


@given(STUDENTS, SEEDS)
def test_an_intruder_logs_in_too_often_within_a_few_minutes(students: int, seed: int) -> None:
    own = _by_student(_day(students, seed))[INTRUDER]
    assert sum(update.state is IN for update in own) == 7
    assert own[-1].at - own[0].at < 300


def _alerts(plans: Sequence[Sequence[Update]], speed: float) -> list[tuple[str, str]]:
    """Give rule and student of all alerts that the default rules raise if days are played one after the other."""
    book = Book(Rules([ManyLogins(5, timedelta(minutes=10)), TwoPlaces()], []))
    begin = PERIODS["before school"].begin
    for number, updates in enumerate(plans):
        for offset, update in enumerate(updates):
            at = HOUR + ((CLOSES - begin) * number + update.at - begin) / speed * SECOND
            book.apply(rolls.Update(number * 100_000 + offset, update.student, update.state, int(at)))
    return [(alert.rule, alert.student_id) for alert in book.take()]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("speed", [1, SPEED])
def test_one_intruder_and_one_in_two_places_raise_alerts_each_day_and_nobody_else(seed: int, speed: int) -> None:
    plans = [*islice(days(classes(500), seed), 5)]
    expected = [
        alert
        for updates in plans
        for alert in (
            ("many-logins", INTRUDER),
            *(("two-places", update.student) for update in _twice(updates)),
        )
    ]
    assert sorted(_alerts(plans, speed)) == sorted(expected)
    assert len(expected) == 10


def test_a_single_day_raises_the_same_alerts_at_any_speed() -> None:
    plans = [_day()]
    assert sorted(_alerts(plans, 3600)) == sorted(_alerts(plans, 1))


@given(st.integers(1, 100_000))
def test_students_are_spread_over_classes_and_have_ids_of_their_own(students: int) -> None:
    school = classes(students)
    ids = [student for one in school for student in one.students]
    assert len({*ids}) == len(ids) == students
    assert max(len(one.students) for one in school) <= SIZE
    assert max(len(one.students) for one in school) - min(len(one.students) for one in school) <= 1
    assert len({one.name for one in school}) == len(school)


def test_ids_name_the_class() -> None:
    school = {one.name: one for one in classes(500)}
    assert [*school] == [f"{grade}{letter}" for letter in "ab" for grade in range(5, 13)] + ["5c", "6c", "7c", "8c"]
    assert school["7b"].students[11] == "7b-012"
    for student in (*school["12b"].students, INTRUDER):
        check_student_id(student)
    assert "5aa" in {one.name for one in classes(100_000)}


@pytest.mark.parametrize(
    ("at", "clock", "name"),
    [
        (time(9, 29) + 59.9, "09:29", "second lesson"),
        (time(9, 30), "09:30", "first break"),
        (time(6, 45), "06:45", "before school"),
        (CLOSES, "17:15", "after school"),
    ],
)
def test_a_time_of_day_is_told_with_what_is_going_on(at: float, clock: str, name: str) -> None:
    assert (shown(at), period(at)) == (clock, name)
