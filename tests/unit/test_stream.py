"""Places in the stream, and viewers who go from one replica to another."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall_producer.past.archive import Archive
from rollcall_producer.settings import ProducerSettings
from rollcall_producer.stream import audience, sse
from rollcall_producer.stream.generations import Generations
from rollcall_producer.stream.kinds import EVENT, EVERY, STATE
from rollcall_producer.stream.layout import Layout
from rollcall_producer.stream.live import Live
from rollcall_producer.stream.past import Past
from rollcall_producer.stream.position import Course, MalformedIdError, Position, read_id
from rollcall_producer.stream.share import Share
from rollcall_producer.stream.told import Told
from rollcall_producer.stream.viewer import Viewer
from rollcall_producer.stream.visit import Visit
from rollcall_producer.stream.wanted import Wanted

OFFSETS = st.integers(0, 2**63 - 1)
PLACES = st.builds(Position, st.integers(1, 99), st.tuples(*[OFFSETS] * 6))


@given(PLACES)
def test_an_id_says_the_whole_place(place: Position) -> None:
    assert read_id(place.id.decode(), 2) == place
    assert read_id(Course(place).id.decode(), 2) == place


def test_an_id_is_short_and_safe() -> None:
    identity = Position(3, tuple(range(1_000_000, 1_000_018))).id.decode()
    assert len(identity) < 100
    assert set(identity) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


@given(st.text(max_size=40))
def test_what_is_no_id_is_refused(text: str) -> None:
    with suppress(MalformedIdError):
        assert read_id(text, 1).partitions == 1


@given(PLACES, PLACES)
def test_two_places_join_in_one_that_reaches_both_and_is_reached_by_all_that_do(a: Position, b: Position) -> None:
    joined = a.joined(b)
    assert joined.reaches(a)
    assert joined.reaches(b)
    assert joined == b.joined(a)
    assert a.reaches(b) == (joined == a)


def test_states_of_an_earlier_generation_lie_before_those_of_a_later_one() -> None:
    earlier, later = Position(1, (5, 900, 7)), Position(2, (5, 3, 7))
    assert later.reaches(earlier)
    assert not earlier.reaches(later)
    assert later.has(1, 1, 950)
    assert not earlier.has(2, 1, 1)
    assert earlier.has(2, 0, 5)


class Paper:
    """A viewer's answer, written down."""

    is_over = False
    is_stalled = False
    unsent = 0

    def __init__(self) -> None:
        self.viewer = Viewer(self, Wanted())
        self.written = b""
        self.writes = 0

    def hold_open(self, kept: int) -> None:
        """Go on."""

    def push(self, part: bytes) -> None:
        self.written += part
        self.writes += bool(part)

    async def drain(self) -> None:
        """There is room."""

    def end(self) -> None:
        self.is_over = True

    def abort(self) -> None:
        self.is_over = True

    def messages(self) -> list[tuple[str, str, str]]:
        """Give ids, kinds and data."""
        found, rest = [], self.written
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            fields = dict(line.split(": ", 1) for line in rest[: int(size, 16)].decode().split("\n") if ": " in line)
            found.append((fields.get("id", ""), fields.get("event", ""), fields.get("data", "")))
            rest = rest[int(size, 16) + 2 :]
        return found


Log = Sequence[Sequence[str]]
"""For each partition, whom each record is about."""


class Replica:
    """What reads a log, in an order of its own."""

    def __init__(self, log: Log, seed: int) -> None:
        share = Share(0.5)
        self.live = Live(share)
        self.partitions = len(log)
        self._log = log
        self._draw = random.Random(seed)
        configured = ProducerSettings(partitions=len(log) // 3)
        layout, archive = Layout(configured), Archive(configured)
        self._past = Past(archive, layout, Generations(configured, layout, archive), share)
        place = Position(1, (0,) * len(log))
        self.live.begin(place, place)
        self.live.note()

    def read(self, count: int) -> None:
        """Read so many records more."""
        head = self.live.ring.head
        for _ in range(count):
            left = [index for index, students in enumerate(self._log) if head.offsets[index] < len(students)]
            if not left:
                return
            index = self._draw.choice(left)
            offset = head.offsets[index]
            student = self._log[index][offset]
            told = Told(EVENT, student, "LoggedIn", f"{index}@{offset}".encode())
            self.live.add(told if student else None, index, offset + 1)

    async def show(self, wanted: Wanted, begin: Position | None = None) -> Paper:
        """Have somebody come who goes on from a place, or sees what comes from now on."""
        paper = Paper()
        viewer = paper.viewer = Viewer(paper, wanted)
        if begin is None:
            self.live.audience.join(viewer, self.live.ring.following)
        else:
            await Visit(viewer, self.live, self._past).run(begin)
        await self.round()
        return paper

    async def round(self) -> None:
        """Write to all what there is."""
        for _ in range(2):  # who was behind is up after the first one
            await self.live.audience.round()


def _seen(paper: Paper) -> list[str]:
    return [data for _, event, data in paper.messages() if event == "event"]


@given(
    st.lists(st.lists(st.sampled_from(["a", "b", ""]), max_size=12), min_size=6, max_size=6),
    st.integers(0, 99),
    st.lists(st.integers(0, 30), min_size=3, max_size=3),
    st.sampled_from([Wanted(), Wanted(student="a"), Wanted(EVERY - EVENT)]),
)
def test_a_viewer_who_goes_from_replica_to_replica_misses_nothing_and_sees_nothing_twice(
    log: Log, seed: int, cuts: Sequence[int], wanted: Wanted
) -> None:
    seen = asyncio.run(_travel([Replica(log, seed + number) for number in range(4)], cuts, wanted))
    wants = {
        f"{index}@{offset}"
        for index, students in enumerate(log)
        for offset, student in enumerate(students)
        if student and wanted.covers(EVENT, student, "LoggedIn")
    }
    assert Counter(seen) == Counter(wants)
    for index in range(len(log)):
        offsets = [int(data[2:]) for data in seen if data.startswith(f"{index}@")]
        assert offsets == sorted(offsets)


async def _travel(replicas: Sequence[Replica], cuts: Sequence[int], wanted: Wanted) -> list[str]:
    """See so many messages of each replica, and all that there are of the last one; gives what was seen."""
    seen: list[tuple[str, str, str]] = []
    place = "1" + ".0" * 6
    for replica, cut in zip(replicas, (*cuts, None), strict=True):
        replica.read(5)
        replica.live.beat()
        replica.read(100)
        messages = (await replica.show(wanted, read_id(place, 2))).messages()
        assert messages[-1][1] == "live"
        seen += messages[:cut]
        place = next((identity for identity, *_ in reversed(seen) if identity), place)
    return [data for _, event, data in seen if event == "event"]


def _replica(count: int) -> Replica:
    return Replica([["a", "b"] * count] * 3, 1)


async def test_each_viewer_is_written_to_once_a_round_with_all_that_is_new() -> None:
    replica = _replica(100)
    papers = [await replica.show(Wanted(student="a" if number % 2 else None)) for number in range(6)]
    before = [paper.writes for paper in papers]
    replica.read(150)
    await replica.round()
    assert [after.writes - first for after, first in zip(papers, before, strict=True)] == [1] * 6
    assert {len(_seen(paper)) for paper in papers[::2]} == {150}
    assert {len(_seen(paper)) for paper in papers[1::2]} == {sum(data[-1] in "02468" for data in _seen(papers[0]))}


async def test_who_stops_reading_gets_the_rest_later_and_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "HELPING", 500)
    replica = _replica(200)
    slow, other = await replica.show(Wanted()), await replica.show(Wanted())
    slow.is_stalled = True
    for _ in range(10):
        replica.read(20)
        await replica.round()
    assert (len(_seen(slow)), len(_seen(other))) == (0, 200)
    slow.is_stalled = False
    await replica.round()
    assert 0 < len(_seen(slow)) < 200
    while len(_seen(slow)) < 200:
        await replica.round()
    replica.read(10)
    await replica.round()
    assert _seen(slow) == _seen(other)


async def test_who_is_behind_for_too_long_is_told_and_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "PATIENCE", 0.0)
    replica = _replica(50)
    slow, other = await replica.show(Wanted()), await replica.show(Wanted())
    slow.is_stalled = True
    for _ in range(3):
        replica.read(20)
        await replica.round()
    assert slow.messages()[-1] == ("", "slow", sse.SLOW.partition(b"data: ")[2].partition(b"\n")[0].decode())
    assert (slow.is_over, other.is_over) == (True, False)
    assert len(_seen(other)) == 60


async def test_whoever_comes_in_the_midst_of_what_is_not_written_yet_sees_what_comes_later() -> None:
    replica = _replica(50)
    first = await replica.show(Wanted())
    replica.read(20)
    paper = Paper()
    replica.live.audience.join(Viewer(paper, Wanted()), replica.live.ring.following)
    replica.read(10)
    await replica.round()
    replica.read(5)
    await replica.round()
    assert _seen(paper) == _seen(first)[20:]
    assert [event for _, event, _ in paper.messages()].count("live") == 1


async def test_what_was_not_written_before_nobody_watched_any_more_disturbs_nobody_later() -> None:
    replica = _replica(50)
    paper = await replica.show(Wanted())
    replica.read(10)
    replica.live.audience.leave(paper.viewer)
    replica.live.end()
    writing = asyncio.create_task(replica.live.audience.run())
    await asyncio.wait([writing], timeout=0.1)
    assert not writing.done()
    place = Position(1, (0,) * replica.partitions)
    replica.live.begin(place, place)
    replica.live.note()
    later = await replica.show(Wanted())
    replica.read(10)
    await replica.round()
    assert len(_seen(later)) == 10
    writing.cancel()


async def test_messages_have_the_place_behind_them() -> None:
    replica = _replica(20)
    paper = await replica.show(Wanted(STATE))
    replica.read(7)
    replica.live.beat()
    await replica.round()
    assert paper.messages()[-1] == (replica.live.ring.head.id.decode(), "", "")
    assert [event for _, event, _ in paper.messages()] == ["live", ""]
