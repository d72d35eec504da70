"""The roll as a whole: what comes of updates does not depend on when it is looked at, or by whom."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from rollcall_domain.events import State
from support.rolls import DAY, HOUR, MINUTE, Book, Update

_STEPS = st.sampled_from([0, 1, MINUTE, 4 * MINUTE, HOUR, 6 * HOUR, 12 * HOUR, 13 * HOUR, 3 * DAY])
_LATENESS = st.sampled_from([0, 0, 0, 0, 1, MINUTE, HOUR, 13 * HOUR, 8 * DAY])
END = 10**13
"""Long after all that happens."""


@st.composite
def logs(draw: st.DrawFn) -> list[Update]:
    """Draw updates as they lie in the log and the inbox, some of them late."""
    updates, now, offsets = [], 10 * DAY, [0, 0]
    for _ in range(draw(st.integers(1, 40))):
        now += draw(_STEPS)
        inbox = draw(st.integers(0, 4)) == 0
        offsets[inbox] += draw(st.integers(1, 3))
        student = f"s-{draw(st.integers(1, 3))}"
        updates.append(Update(offsets[inbox], student, draw(st.sampled_from(State)), now - draw(_LATENESS), inbox))
    return updates


_BREAKS = st.dictionaries(st.integers(0, 40), st.sampled_from(["take", "restart", "tick", "repeat"]), max_size=12)


def _fold(updates: Sequence[Update], breaks: dict[int, str]) -> Book:
    """Apply updates; what was not written before a restart is applied once more, and perhaps some more than that."""
    book, written = Book(), 0
    for number, update in enumerate(updates):
        match breaks.get(number):
            case "take":
                book.take()
                written = number
            case "restart":  # at once: what came since is lost with the process
                book.restart()
                book.apply(*updates[written:number])
            case "repeat":  # of all from the first: the group's offsets are lost
                book.take()
                written = number
                book.restart()
                assert not any(book.apply(*updates[:number]))
            case "tick":  # the time can't be later than that of what is still to come
                book.roll.tick(min(update.at for update in updates[number:]))
        book.apply(update)
    book.take()
    book.roll.tick(END)
    book.take()
    return book


@given(logs(), _BREAKS)
def test_what_comes_of_updates_does_not_depend_on_batches_restarts_or_looks_at_the_clock(
    updates: list[Update], breaks: dict[int, str]
) -> None:
    whole, broken = _fold(updates, {}), _fold(updates, breaks)
    assert broken.records() == whole.records()
    assert broken.minutes() == whole.minutes()
    assert sorted(alert.id for alert in broken.alerts) == sorted(alert.id for alert in whole.alerts)


@given(logs())
def test_no_finding_is_told_twice(updates: list[Update]) -> None:
    alerts = _fold(updates, {}).alerts
    assert len({alert.id for alert in alerts}) == len(alerts)


@given(logs(), _BREAKS)
def test_the_clock_is_never_due_for_nothing_after_it_was_looked_at(
    updates: list[Update], breaks: dict[int, str]
) -> None:
    assert _fold(updates, breaks).roll.next_due() is None


@given(logs())
def test_nothing_changes_by_taking_it_away(updates: list[Update]) -> None:
    book = _fold(updates, {})
    assert book.roll.take() == ([], [], [])
    book.roll.tick(END)
    assert book.roll.take() == ([], [], [])
