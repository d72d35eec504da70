"""How a rate is shared out, and how it is kept."""

import asyncio
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall_consumer.runtime.flow import Flow
from rollcall_consumer.runtime.share import share_of, shares
from rollcall_consumer.runtime.throttle import NO_LIMIT, Throttle

DEMANDS = st.dictionaries(st.integers(0, 11), st.floats(0, 1e6) | st.just(float("inf")), min_size=1)


@given(st.floats(0.01, 1e6), DEMANDS)
def test_all_of_a_rate_is_given_and_nobody_who_wants_more_gets_less_than_another(
    rate: float, demands: dict[int, float]
) -> None:
    given_ = shares(rate, demands)
    assert sum(given_.values()) == pytest.approx(rate)
    for index, demand in demands.items():
        assert given_[index] >= min(demand, rate / len(demands)) * (1 - 1e-9)
        if given_[index] < demand * (1 - 1e-9):
            assert given_[index] == pytest.approx(max(given_.values()), rel=1e-6)


def test_replicas_that_see_the_same_share_all_of_the_rate_and_no_more() -> None:
    demands = {0: 5000.0, 1: 5000.0, 2: 5000.0, 3: 5000.0, 4: 5000.0, 5: 5000.0}
    assert share_of([0, 1, 2], 1000, demands, 6) == pytest.approx(500)
    assert share_of([3, 4, 5], 1000, demands, 6) == pytest.approx(500)


def test_a_hot_partition_gets_what_the_others_have_no_use_for() -> None:
    demands = {0: 9000.0, 1: 20.0, 2: 20.0, 3: 20.0, 4: 20.0, 5: 20.0}
    assert share_of([0, 1, 2], 1000, demands, 6) == pytest.approx(1000 - 60)


def test_a_replica_without_work_keeps_its_share_for_when_there_is_some() -> None:
    demands = {0: 9000.0, 1: 0.0, 2: 0.0, 3: 0.0, 4: 0.0, 5: 0.0}
    assert share_of([3, 4, 5], 1000, demands, 6) == pytest.approx(500)


def test_as_long_as_nothing_is_known_all_partitions_count_alike() -> None:
    assert share_of([2], 600, {}, 6) == pytest.approx(100)


@pytest.mark.parametrize(
    ("flow", "seconds"),
    [
        (Flow(0, 100, 100, 1), 0),
        (Flow(80, 100, 100, 1), 0),
        (Flow(9000, 100, 400, 1), 30),
        (Flow(9000, 400, 400, 1), float("inf")),
        (Flow(1, 0, 0, 1), float("inf")),
    ],
)
def test_the_time_until_nothing_is_left_is_that_at_the_present_pace(flow: Flow, seconds: float) -> None:
    assert flow.seconds_left == seconds


async def test_without_a_rate_nobody_waits() -> None:
    assert await Throttle().grant() == NO_LIMIT


async def test_what_was_given_back_is_there_for_the_next_one() -> None:
    throttle = Throttle()
    throttle.set(1000)
    granted = [await throttle.grant() for _ in range(5)]
    assert granted == [100] * 5
    throttle.give_back(100, 0)
    async with asyncio.timeout(0):
        assert await throttle.grant() == 100


async def test_who_waits_for_a_slow_rate_hears_of_a_faster_one() -> None:
    throttle = Throttle()
    throttle.set(0.001)
    assert await throttle.grant() == 1
    waiting = asyncio.create_task(throttle.grant())
    await asyncio.sleep(0)
    throttle.set(None)
    async with asyncio.timeout(10):
        assert await waiting == NO_LIMIT


async def test_those_who_wait_are_served_in_the_order_in_which_they_came() -> None:
    throttle, served = Throttle(), list[int]()
    throttle.set(100)

    async def take(number: int) -> None:
        await throttle.grant()
        served.append(number)

    begin = monotonic()
    await asyncio.gather(*(take(number) for number in range(10)))
    assert served == [*range(10)]
    assert monotonic() - begin >= 0.45
