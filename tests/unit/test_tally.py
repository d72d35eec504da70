"""What is told of a school day that was played."""

from rollcall_dev.school.day import Update
from rollcall_dev.school.tally import Tally
from rollcall_domain.events import State


def _told(tally: Tally) -> dict[str, str]:
    lines = (line.split(maxsplit=1) for line in tally.summary())
    return {name: text for name, text in lines if name not in ("rate", "time")}


def test_the_sum_accounts_for_every_update() -> None:
    tally = Tally(due=1010, sent=1007)
    for number in range(1003):
        tally.accept(Update(0, f"s-{number}", State.LoggedIn))
    tally.accept(Update(1, "s-0", State.LoggedOut))
    tally.failed["422, State must be known"] += 1
    tally.retried.update({"503": 2, "Connection refused": 3})
    assert _told(tally) == {
        "sent": "1,007",
        "accepted": "1,004",
        "retried": "5 (3 for: Connection refused; 2 for: 503)",
        "failed": "1 (1 for: 422, State must be known)",
        "left": "3 not sent, 2 without an answer",
        "inside": "1,002 still logged in",
    }


def test_nothing_is_left_where_all_is_settled() -> None:
    tally = Tally(due=1, sent=1)
    tally.accept(Update(0, "s-1", State.LoggedIn))
    assert "left" not in _told(tally)


def test_what_holds_updates_up_is_told_as_long_as_it_does() -> None:
    tally = Tally(due=20, sent=8, accepted=5, trouble="503")
    assert tally.obstacle() is None
    tally.waiting = 3
    assert tally.obstacle() == "15 wait: 503"
