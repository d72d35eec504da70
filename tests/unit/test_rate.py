from pathlib import Path

import pytest

from rollcall_domain.service.rate import Rate
from rollcall_producer.access import client_of
from rollcall_producer.rate import Buckets
from rollcall_producer.worker import Worker


def count_taken(rate: Rate, full_at: float, now: float) -> tuple[int, float]:
    """Take all that there is at a time."""
    taken = 0
    while rate.free_at(full_at) <= now:
        full_at = rate.take(full_at, now)
        taken += 1
    return taken, full_at


@pytest.mark.parametrize(("per_second", "at_once"), [(16, 16), (1, 1), (0.25, 1), (1024, 1024)])
def test_a_full_bucket_has_a_second_s_worth_and_one_at_the_least(per_second: float, at_once: int) -> None:
    taken, full_at = count_taken(Rate(per_second), 0.0, now=1000.0)
    assert taken == at_once
    assert count_taken(Rate(per_second), full_at, now=1000.0)[0] == 0


def test_what_is_taken_comes_in_again_at_the_rate() -> None:
    rate = Rate(8)
    _, full_at = count_taken(rate, 0.0, now=1000.0)
    assert rate.free_at(full_at) == 1000.125
    taken, full_at = count_taken(rate, full_at, now=1000.25)
    assert taken == 2
    assert count_taken(rate, full_at, now=9000.0)[0] == 8


def test_what_was_taken_beyond_a_bucket_is_waited_for() -> None:
    rate = Rate(8)
    full_at = rate.take(0.0, now=1000.0, count=24)
    assert rate.free_at(full_at) == 1002.125


def test_workers_share_the_buckets_of_clients(tmp_path: Path) -> None:
    first, second = (Buckets(Worker(number, -1, -1, str(tmp_path))) for number in (1, 2))
    first[first.find("gate")] = 17.0
    assert second[second.find("gate")] == 17.0
    assert second[second.find("door")] == 0.0


def test_remembers_many_clients_and_forgets_those_that_have_been_quiet_for_the_longest_time() -> None:
    buckets = Buckets(None)
    for number in range(100_000):
        buckets[buckets.find(f"client {number}")] = 1000.0 + number
    known = [number for number in range(100_000) if buckets[buckets.find(f"client {number}")] == 1000.0 + number]
    assert len(known) > 10_000
    assert min(known) > 50_000


def test_a_client_is_a_token_or_else_an_address() -> None:
    assert client_of({"client": ("10.0.0.1", 5), "caller": "gate"}) == "gate"
    assert client_of({"client": ("10.0.0.1", 5), "caller": "-"}) == "10.0.0.1"
    assert client_of({"client": ("10.0.0.1", 5)}) == "10.0.0.1"
    assert client_of({"client": None}) == "-"
