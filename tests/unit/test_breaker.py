from itertools import pairwise

from rollcall_consumer.runtime.effects.breaker import FAILURES, KEYS, LONGEST_PAUSE, RELAPSE, Breaker

LANES = 64


def opened(at: float = 0.0, after: float | None = None) -> Breaker:
    breaker = Breaker(LANES)
    for number in range(FAILURES):
        assert breaker.opened is None
        breaker.fail(breaker.begin(), number, at, after)
    assert breaker.opened == at
    return breaker


def look(breaker: Breaker, now: float) -> float:
    at = breaker.next_look(now)
    assert at is not None
    return at


def test_opens_once_all_fails() -> None:
    breaker = opened()
    assert breaker.spare(0.0) == 0
    assert 0.5 < look(breaker, 0.0) < 1.5


def test_stays_closed_while_something_succeeds_or_few_keys_fail() -> None:
    breaker = Breaker(LANES)
    for number in range(10 * FAILURES):
        breaker.fail(breaker.begin(), number % (KEYS - 1), 0.0, None)
    assert breaker.opened is None
    for number in range(10 * FAILURES):
        breaker.fail(breaker.begin(), number, 0.0, None)
        breaker.succeed(breaker.begin(), 0.0)
    assert (breaker.opened, breaker.spare(0.0)) == (None, LANES)


def test_what_hangs_while_others_succeed_is_no_sign_that_all_fails() -> None:
    breaker = Breaker(LANES)
    hanging = [breaker.begin() for _ in range(2 * FAILURES)]
    breaker.succeed(breaker.begin(), 0.0)
    for number, token in enumerate(hanging):
        assert breaker.could_succeed(token)
        breaker.fail(token, number, 0.5, None)
    assert breaker.opened is None
    for number in range(FAILURES):
        token = breaker.begin()
        assert not breaker.could_succeed(token)
        breaker.fail(token, number, 1.0, None)
    assert breaker.opened == 1.0


def test_what_hangs_while_others_succeed_does_not_stop_it_from_being_closed() -> None:
    breaker, now = opened(), 100.0
    breaker.succeed(breaker.begin(), now)
    hanging = [breaker.begin() for _ in range(2 * RELAPSE)]
    breaker.succeed(breaker.begin(), now + 2.0)
    for number, token in enumerate(hanging):
        breaker.fail(token, number, now + 3.0, None)
    assert breaker.spare(now + 4.0) == 16
    assert breaker.close(now + 6.0)


def test_lets_one_try_through_after_each_pause_and_waits_longer_each_time() -> None:
    breaker, now, pauses = opened(), 0.0, []
    for number in range(8):
        at = look(breaker, now)
        pauses.append(at - now)
        assert breaker.spare(at - 0.01) == 0
        assert breaker.spare(at) == 1
        token, now = breaker.begin(), at
        assert breaker.spare(now) == 0
        breaker.fail(token, number, now, None)
    assert all(before < 2 * after for before, after in pairwise(pauses))
    assert pauses[0] < 2 < pauses[-1] <= 1.25 * LONGEST_PAUSE


def test_heeds_how_long_the_target_wants_to_be_left_alone() -> None:
    breaker = opened(after=60.0)
    assert look(breaker, 0.0) >= 60.0


def test_lets_twice_as_many_through_with_each_second_after_a_success() -> None:
    breaker, now = opened(), 100.0
    assert breaker.succeed(breaker.begin(), now)
    assert [breaker.spare(now + seconds) for seconds in (0.0, 1.0, 2.0, 3.0)] == [1, 2, 4, 8]
    breaker.begin()
    assert breaker.spare(now + 3.0) == 7
    assert breaker.opened is not None
    assert not breaker.close(now + 5.0)
    assert breaker.close(now + 6.0)
    assert breaker.next_look(now + 6.0) is None
    assert breaker.spare(now + 6.0) == LANES


def test_waits_again_if_all_fails_anew() -> None:
    breaker = opened()
    now = look(breaker, 0.0)
    breaker.succeed(breaker.begin(), now)
    for number in range(RELAPSE):
        assert breaker.spare(now) == 1
        breaker.fail(breaker.begin(), number, now, None)
    assert breaker.spare(now) == 0
    assert look(breaker, now) > now


def test_what_tries_tell_that_began_before_is_no_news() -> None:
    breaker = Breaker(LANES)
    early = [breaker.begin() for _ in range(3)]
    for number in range(FAILURES):
        breaker.fail(breaker.begin(), number, 0.0, None)
    at = look(breaker, 0.0)
    breaker.succeed(early[0], 0.1)
    breaker.fail(early[1], "k", 0.1, 60.0)
    breaker.end(early[2])
    assert (breaker.spare(0.2), look(breaker, 0.2)) == (0, at)
    assert breaker.spare(at) == 1
