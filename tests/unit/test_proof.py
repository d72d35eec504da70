from dataclasses import replace

import msgspec
import pytest

from rollcall_dev.chaos.ledger import Ledger, Outcome
from rollcall_dev.chaos.record.log import Line, Log
from rollcall_dev.chaos.record.offline import Event, Raised, Rules, Stories, apply_all, go_on
from rollcall_dev.chaos.record.proof import Evidence, prove
from rollcall_dev.chaos.record.stage import Stage
from rollcall_dev.chaos.record.straight import Sent
from rollcall_dev.chaos.record.verdict import DOUBLED, INVERTED, LOST, WRONG
from rollcall_domain.errors import Reason

RULES = Rules(many=3, within=10_000, too_long=60_000)

T = 1_800_000_000_000


def _event(state: int, at: int, offset: int, source: int = 0) -> Event:
    return Event("s", state, at, source, offset, f"i-{offset}")


def _alerts(*events: tuple[int, int]) -> set[str]:
    stories: Stories = apply_all({None}, ([_event(*event, n) for n, event in enumerate(events)], []), RULES)
    (story,) = stories
    assert story is not None
    return {raised.rule for raised in story.alerts}


def test_rules_raise_what_they_should() -> None:
    assert _alerts((0, 0), (1, 1), (0, 2), (1, 3)) == set()
    assert _alerts((0, 0), (0, 1)) == {"two-places"}
    assert _alerts((0, 0), (1, 1), (0, 2), (1, 3), (0, 9_999)) == {"many-logins"}
    assert _alerts((0, 0), (1, 1), (0, 2), (1, 3), (0, 10_000)) == set()
    assert _alerts((0, 0), (1, 60_000)) == {"too-long"}
    assert _alerts((0, 10), (0, 9)) == set()


def test_a_late_update_is_counted_and_else_changes_nothing() -> None:
    before = go_on(go_on(None, _event(0, 10, 0), RULES), _event(1, 20, 1), RULES)
    assert go_on(before, _event(0, 15, 2), RULES) == before._replace(logins=2, versions=(2, -1))


def test_updates_of_two_topics_may_have_come_in_any_order() -> None:
    both = [_event(0, 10, 0), _event(1, 30, 1)], [_event(0, 20, 0, source=1)]
    stories = apply_all({None}, both, RULES)
    assert {story.alerts for story in stories if story} == {
        frozenset(),
        frozenset({Raised("two-places", "i-0", 20)}),
    }


def _line(offset: int, key: str, value: object, at: int, *headers: tuple[str, bytes]) -> Line:
    return Line(offset, at, key.encode(), msgspec.json.encode(value), headers)


class _World:
    """A log of two updates and one poison, and what has come of them, as it should be."""

    def __init__(self) -> None:
        self.stage = Stage("localhost:1", {"partitions": 1})
        update = {"StudentId": "s", "State": 0}
        out = {"StudentId": "s", "State": 1}
        bad = {"StudentId": "s", "State": 7}
        ids = [("id", b"i-%d" % number) for number in range(3)]
        records = [(update, None), (out, None), (bad, Reason.NOT_AN_UPDATE)]
        lines = [
            _line(n, "s", value, T + n, identity)
            for n, ((value, _), identity) in enumerate(zip(records, ids, strict=True))
        ]
        self.sent = [
            Sent(0, line.key, line.value or b"", line.identity, reason, Outcome.ACCEPTED, n)
            for n, (line, (_, reason)) in enumerate(zip(lines, records, strict=True))
        ]
        start = T // 60_000 * 60_000
        first = {
            "StudentId": "s",
            "State": 0,
            "Since": T,
            "Seen": T,
            "Logins": 1,
            "Total": 0,
            "Version": 0,
            "Recent": [T],
        }
        last = {**first, "State": 1, "Since": T + 1, "Seen": T + 1, "Total": 1, "Version": 1}
        letter = {
            "reason": "not-an-update",
            "detail": "of no kind",
            "group": "1",
            "topic": "Student",
            "partition": "0",
            "offset": "2",
            "timestamp": str(T + 2),
        }
        told = [(f"dead-letter.{name}", value.encode()) for name, value in letter.items()]
        self.log: Log = {
            "Student": [lines],
            "Student.Inbox": [[]],
            "Student.State": [[_line(0, "s", first, T), _line(1, "s", last, T + 1)]],
            "Student.Activity": [
                [
                    _line(n, f"0-{start}", {"Partition": 0, "Start": start, "Logins": 1, "Logouts": n}, start)
                    for n in (0, 1)
                ]
            ],
            "Student.Alerts": [[]],
            "Student.DeadLetters": [[_line(0, "s", bad, T + 2, ids[2], *told)]],
        }

    def found(self) -> set[str]:
        seen = {topic: [[*lines] for lines in self.log[topic]] for topic in self.stage.derived}
        proof = prove(Evidence(self.stage.settings, Ledger(), self.sent, self.log, seen, T))
        return {kind for kind, count in proof.verdict.counts.items() if count}


@pytest.fixture
def world() -> _World:
    return _World()


def test_finds_nothing_where_all_is_well(world: _World) -> None:
    assert world.found() == set()


@pytest.mark.parametrize("topic", ["Student", "Student.State", "Student.Activity", "Student.DeadLetters"])
def test_finds_what_is_lost(world: _World, topic: str) -> None:
    world.log[topic][0].pop()
    assert LOST in world.found()


def test_finds_what_was_accepted_without_a_word_of_where(world: _World) -> None:
    world.sent[0].offset = None
    assert world.found() == set()
    world.sent.append(replace(world.sent[0]))
    assert world.found() == {LOST}


@pytest.mark.parametrize("topic", ["Student.State", "Student.Activity", "Student.DeadLetters"])
def test_finds_what_is_doubled(world: _World, topic: str) -> None:
    world.log[topic][0].append(world.log[topic][0][-1])
    assert world.found() == {DOUBLED}


@pytest.mark.parametrize("topic", ["Student.State", "Student.Activity"])
def test_finds_what_is_inverted(world: _World, topic: str) -> None:
    world.log[topic][0].reverse()
    assert INVERTED in world.found()


def test_finds_what_is_wrong(world: _World) -> None:
    alert = {"Id": "x", "Rule": "two-places", "StudentId": "s", "At": T, "Cause": "i-0", "Detail": "none"}
    world.log["Student.Alerts"][0].append(_line(0, "s", alert, T))
    assert world.found() == {WRONG}
