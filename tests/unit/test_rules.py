"""What raises an alert, and how often."""

from datetime import timedelta

from rollcall_domain.rules import ManyLogins, Rules, TwoPlaces, too_long
from support.rolls import HOUR, IN, MINUTE, OUT, SECOND, Book, Update, story

MANY = Rules([ManyLogins(3, timedelta(minutes=10))], [])
PLACES = Rules([TwoPlaces()], [])
LONG = Rules([], [too_long(timedelta(hours=12))])


def _visits(*minutes: float) -> list[tuple[int, int]]:
    return [(int(minute * MINUTE), int(minute * MINUTE) + SECOND) for minute in minutes]


def _come_and_go(book: Book, *minutes: float, begin: int = 0) -> None:
    for number, (come, go) in enumerate(_visits(*minutes)):
        book.apply(Update(begin + 2 * number, "s-1", IN, come), Update(begin + 2 * number + 1, "s-1", OUT, go))


def test_logins_further_apart_are_not_too_many() -> None:
    book = Book(MANY)
    _come_and_go(book, 0, 5, 10, 15, 20, 25)
    assert book.take() == []


def test_many_logins_are_told_once_until_it_has_calmed_down() -> None:
    book = Book(MANY)
    _come_and_go(book, 0, 1, 2, 3, 4, 30, 31, 39)
    assert [(alert.at, alert.cause) for alert in book.take()] == [(2 * MINUTE, "0-4"), (39 * MINUTE, "0-14")]


def test_many_logins_are_told_also_where_a_restart_lies_between() -> None:
    book = Book(MANY)
    _come_and_go(book, 0, 4)
    book.take()
    book.restart()
    _come_and_go(book, 6, begin=4)
    assert [alert.rule for alert in book.take()] == ["many-logins"]
    book.restart()
    _come_and_go(book, 7, begin=6)
    assert book.take() == []


def test_who_logs_in_twice_is_in_two_places() -> None:
    book = Book(PLACES)
    book.apply(*story((IN, HOUR), (OUT, HOUR + 1), (IN, 2 * HOUR)))
    assert book.take() == []
    book.apply(Update(3, "s-1", IN, 3 * HOUR), Update(4, "s-1", OUT, 4 * HOUR), Update(5, "s-1", OUT, 5 * HOUR))
    (alert,) = book.take()
    assert (alert.rule, alert.at, alert.cause) == ("two-places", 3 * HOUR, "0-3")


def test_a_late_login_raises_nothing() -> None:
    book = Book(Rules([*MANY.rules, *PLACES.rules], LONG.limits))
    book.apply(*story((IN, HOUR), (IN, HOUR - 1), (IN, HOUR - 2), (IN, HOUR - 3), (OUT, HOUR - 4)))
    assert book.take() == []


def test_who_stays_too_long_is_told_by_the_clock_once() -> None:
    book = Book(LONG)
    book.apply(*story((IN, HOUR)))
    due = book.roll.next_due()
    assert due == 13 * HOUR
    book.roll.tick(due - 1)
    assert book.take() == []
    book.roll.tick(due)
    (alert,) = book.take()
    assert (alert.rule, alert.student_id, alert.at, alert.detail) == ("too-long", "s-1", due, "logged in for 12:00:00")
    assert book.record().raised == ("too-long",)
    for restart in (False, True):
        if restart:
            book.restart()
        assert book.roll.next_due() is None
        book.roll.tick(due + 48 * HOUR)
    book.apply(Update(1, "s-1", OUT, due + HOUR))
    assert book.take() == []
    assert book.record().raised == ()


def test_who_has_left_in_time_is_left_alone() -> None:
    book = Book(LONG)
    book.apply(*story((IN, HOUR), (OUT, 13 * HOUR - 1)))
    book.roll.tick(100 * HOUR)
    assert book.take() == []


def test_the_end_of_a_stay_tells_the_same_as_the_clock() -> None:
    told = []
    for ends in (False, True):
        book = Book(LONG)
        book.apply(*story((IN, HOUR), *([(OUT, 13 * HOUR)] if ends else [])))
        book.roll.tick(14 * HOUR)
        told.append(book.take())
    assert told[0] == told[1]
    assert len(told[0]) == 1


def test_a_further_stay_is_watched_as_well() -> None:
    book = Book(LONG)
    book.apply(*story((IN, HOUR), (OUT, 2 * HOUR), (IN, 3 * HOUR)))
    book.roll.tick(14 * HOUR)
    assert book.take() == []
    book.roll.tick(15 * HOUR)
    assert [alert.cause for alert in book.take()] == [str(3 * HOUR)]


def test_the_clock_goes_on_after_a_restart() -> None:
    book = Book(LONG)
    book.apply(*story((IN, HOUR)), Update(1, "s-2", OUT, HOUR))
    book.take()
    book.restart()
    assert book.roll.next_due() == 13 * HOUR
    book.roll.tick(13 * HOUR)
    assert [alert.student_id for alert in book.take()] == ["s-1"]


def test_the_same_finding_has_the_same_id_and_any_other_another() -> None:
    def ids(student_id: str, rules: Rules, hour: int = 1) -> set[str]:
        book = Book(rules)
        book.apply(*story((IN, hour * HOUR), (IN, hour * HOUR + 1), (IN, hour * HOUR + 2), student_id=student_id))
        book.roll.tick(100 * HOUR)
        return {alert.id for alert in book.take()}

    both = Rules([*MANY.rules, *PLACES.rules], LONG.limits)
    found = ids("s-1", both)
    assert len(found) == 4
    assert ids("s-1", both) == found
    assert ids("s-1", MANY) | ids("s-1", PLACES) | ids("s-1", LONG) == found
    assert ids("s-2", both).isdisjoint(found)
    assert len(ids("s-1", LONG) | ids("s-1", LONG, hour=2)) == 2
