"""What happens minute by minute."""

from hypothesis import given
from hypothesis import strategies as st

from support.rolls import DAY, IN, MINUTE, OUT, Book, Update


def _counts(book: Book) -> dict[int, tuple[int, int]]:
    return {minute.start // MINUTE: (minute.logins, minute.logouts) for minute in book.minutes()}


def _updates(*minutes: float, begin: int = 0) -> list[Update]:
    return [Update(begin + n, f"s-{n % 2}", IN, int(minute * MINUTE)) for n, minute in enumerate(minutes)]


def test_updates_are_counted_in_the_minute_of_their_time() -> None:
    book = Book()
    book.apply(*_updates(5, 5.5, 5.99, 6), Update(4, "s-1", OUT, 6 * MINUTE + 59_999))
    assert _counts(book) == {5: (3, 0), 6: (1, 1)}
    assert {minute.partition for minute in book.minutes()} == {0}


def test_late_updates_are_counted_up_to_seven_days() -> None:
    book = Book()
    week = 7 * DAY // MINUTE
    book.apply(*_updates(week, 3, 0, 1))
    assert _counts(book) == {week: (1, 0), 3: (1, 0), 1: (1, 0)}
    book.apply(*_updates(week + 3, 3, 4, begin=4))
    assert _counts(book) == {week: (1, 0), week + 3: (1, 0), 1: (1, 0), 3: (1, 0), 4: (1, 0)}


def test_a_minute_goes_on_after_a_restart() -> None:
    book = Book()
    book.apply(*_updates(5, 6))
    book.take()
    book.restart()
    book.apply(*_updates(5, 6, begin=2))
    assert _counts(book) == {5: (2, 0), 6: (2, 0)}


def test_only_minutes_that_have_changed_are_written() -> None:
    book = Book()
    book.apply(*_updates(5, 6))
    book.take()
    book.apply(*_updates(6, begin=2))
    assert [minute.start // MINUTE for minute in book.roll.take().minutes] == [6]


@given(
    st.lists(st.integers(0, 12 * DAY // MINUTE) | st.integers(0, 4), max_size=30),
    st.lists(st.integers(0, 30), max_size=5),
)
def test_minutes_do_not_depend_on_where_batches_end(minutes: list[int], ends: list[int]) -> None:
    whole, split = Book(), Book()
    updates = _updates(*minutes)
    whole.apply(*updates)
    for number, update in enumerate(updates):
        if number in ends:
            split.take()
        if number in ends[::2]:
            split.restart()
        split.apply(update)
    assert _counts(split) == _counts(whole)
