"""How many replicas are wanted."""

from rollcall_consumer.runtime.flow import Flow
from rollcall_consumer.runtime.outlook import Outlook, look_ahead

SPEED = 1000.0
"""Records a second that a replica can handle."""


def _calm(coming: float) -> Flow:
    return Flow(0, coming, coming, 1)


def _behind(lag: int, coming: float, handled: float) -> Flow:
    return Flow(lag, coming, handled, 1)


def _wanted(*flows: Flow, seconds: float = 60) -> int | None:
    return look_ahead(dict(enumerate(flows)), SPEED, seconds).replicas


def test_without_lag_as_many_are_wanted_as_take_what_comes_in() -> None:
    assert _wanted(*[_calm(0)] * 6) == 1
    assert _wanted(*[_calm(100)] * 6) == 1
    assert _wanted(*[_calm(300)] * 6) == 3


def test_what_waits_takes_more_of_them_for_a_while() -> None:
    assert _wanted(*[_behind(20_000, 100, 100)] * 6) == 4
    assert _wanted(*[_behind(20_000, 100, 100)] * 6, seconds=600) == 1


def test_there_are_never_more_than_partitions_in_which_something_waits() -> None:
    assert _wanted(*[_behind(1_000_000, 100, 100)] * 6) == 6
    assert _wanted(_behind(1_000_000, 900, 800), *[_calm(10)] * 5) == 2
    assert _wanted(_behind(1_000_000, 700, 600), *[_calm(0)] * 5) == 1


def test_a_hot_partition_does_not_take_replicas_away_from_the_others() -> None:
    assert _wanted(_behind(1_000_000, 600, 500), *[_calm(300)] * 5) == 3


def test_where_nobody_knows_how_fast_a_replica_is_none_are_wanted() -> None:
    assert look_ahead({0: _behind(100, 0, 10)}, 0, 60) == Outlook(10, None)


def test_the_group_has_caught_up_when_its_last_partition_has() -> None:
    assert look_ahead({0: _behind(100, 0, 10), 1: _behind(600, 10, 20), 2: _calm(5)}, 0, 60).seconds_left == 60
    assert look_ahead({0: _behind(100, 20, 10), 1: _calm(5)}, 0, 60).seconds_left == float("inf")
