"""What drills make of what they have seen."""

import json
from pathlib import Path

import pytest

from rollcall_dev.chaos.ledger import Attempt, Outcome
from rollcall_dev.drill.disaster.findings import Findings
from rollcall_dev.drill.failover.roles import Roles, worst
from rollcall_dev.drill.failover.standstill import Firsts, Window, acceptances, firsts, longest
from rollcall_dev.drill.report import Report
from rollcall_dev.kafka import Broker, BrokerConfig, quorum
from rollcall_domain.partition import partition_for


def _attempt(student: str, key: str, begin: float, outcome: Outcome) -> Attempt:
    return Attempt(student, 0, 1, key, outcome=outcome, begin=begin, end=begin + 1)


def test_a_standstill_is_that_of_the_partition_in_which_it_was_longest() -> None:
    times = {0: [1.0, 2.0, 3.0, 4.0], 1: [1.5, 2.0, 5.5]}
    assert longest(times, Window(1.0, 6.0)) == 3.5


@pytest.mark.parametrize(
    ("window", "seconds"),
    [
        (Window(0.0, 3.0), 1.0),  # from its begin, where nothing has come before
        (Window(2.5, 8.0), 5.0),  # what has begun before it, and ends in it
        (Window(2.0, 6.0), 4.0),  # to its end, where it has not ended before
        (Window(8.0, 9.0), 2.0),
    ],
)
def test_a_standstill_belongs_to_the_time_in_which_it_ends(window: Window, seconds: float) -> None:
    assert longest({0: [1.0, 2.0, 7.0]}, window) == seconds


def test_a_partition_in_which_nothing_comes_stands_still_all_the_time() -> None:
    assert longest({0: [1.0, 2.0], 1: []}, Window(0.0, 10.0)) == 10.0


def test_acceptances_are_those_of_the_students_partition_in_the_order_in_which_they_came() -> None:
    attempts = [
        _attempt("a", "a/1", 5.0, Outcome.ACCEPTED),
        _attempt("a", "a/2", 3.0, Outcome.ACCEPTED),
        _attempt("a", "a/3", 4.0, Outcome.UNKNOWN),
    ]
    times = acceptances(attempts, 6)
    assert times.keys() == {*range(6)}
    assert times.pop(partition_for(b"a", 6)) == [4.0, 6.0]
    assert not any(times.values())


def test_an_update_counts_as_refused_by_what_became_of_it_first() -> None:
    attempts = [
        _attempt("a", "before", 1.0, Outcome.UNKNOWN),
        _attempt("b", "well", 2.0, Outcome.ACCEPTED),
        _attempt("c", "again", 2.5, Outcome.NOT_WRITTEN),
        _attempt("a", "before", 2.6, Outcome.ACCEPTED),
        _attempt("c", "again", 3.0, Outcome.ACCEPTED),
    ]
    assert firsts(attempts, Window(2.0, 4.0)) == Firsts(sent=2, refused=1)
    assert firsts(attempts, Window(2.0, 4.0)).share == 0.5
    assert firsts(attempts, Window(7.0, 8.0)).share == 0.0


def test_the_worst_end_is_that_of_who_leads_the_metadata_and_else_of_who_does_most() -> None:
    roles = {
        1: Roles(controller=False, leads=2, coordinates=True, transactions=2),
        2: Roles(controller=True, leads=1, coordinates=False, transactions=2),
        3: Roles(controller=False, leads=3, coordinates=False, transactions=2),
    }
    assert worst(roles) == 2
    assert worst({node: does._replace(controller=False) for node, does in roles.items()}) == 3
    assert str(roles[1]) == "leads 2 partitions of Student, coordinates the group and the transactions of 2"
    assert str(roles[2]) == "leads the metadata and 1 partitions of Student, coordinates the transactions of 2"


@pytest.mark.parametrize(("notes", "leader"), [([(1, 3), (2, 4), (1, 2)], 2), ([(1, 3), (-1, 4)], None)])
def test_the_metadata_is_led_by_who_was_elected_last(
    tmp_path: Path, notes: list[tuple[int, int]], leader: int | None
) -> None:
    brokers = [Broker(BrokerConfig(data=tmp_path / str(number))) for number in range(len(notes))]
    for broker, (elected, epoch) in zip(brokers, notes, strict=True):
        note = broker.directory / "data/__cluster_metadata-0/quorum-state"
        note.parent.mkdir(parents=True)
        note.write_text(json.dumps({"clusterId": "", "leaderId": elected, "leaderEpoch": epoch, "data_version": 0}))
    assert quorum.leader(brokers) == leader


def test_a_report_has_all_figures_and_what_is_broken(tmp_path: Path) -> None:
    report = Report({"seed": 7, "roles": "leads", "still_s": 4.5}, ["x" * 1000])
    assert [line.split() for line in report.table().splitlines()] == [
        ["seed", "7"],
        ["roles", "leads"],
        ["still_s", "4.5"],
    ]
    report.write(tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text()) == {
        "seed": 7,
        "roles": "leads",
        "still_s": 4.5,
        "broken": ["x" * 300],
    }


def test_a_seed_is_shown_as_it_has_to_be_given_again() -> None:
    report = Findings(4_294_967_295, recovery_point_seconds=0.012, broken=["it"]).report()
    assert report.table().splitlines()[0].split() == ["seed", "4294967295"]
    assert report.figures["recovery_point_seconds"] == 0.012
    assert report.broken == ["it"]
