"""Which records repeat another one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from rollcall_consumer.runtime.folds.window import Windows

SIZE = 10
ONE = [TopicPartition("One", 0)]


@dataclass
class Row:
    """A record of which the id alone matters."""

    offset: int
    headers: Sequence[tuple[str, bytes | None]]
    timestamp: int = 0
    key: bytes | None = None
    value: bytes | None = None


def _row(offset: int, identity: int | None) -> Row:
    """Make a record; its id is not always in the first place."""
    if identity is None:
        return Row(offset, [("other", b"1")] if offset % 2 else ())
    own = ("id", b"%d" % identity)
    return Row(offset, [own] if offset % 2 else [("other", None), own, ("id", b"not the first")])


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    """Draw a log: some offsets have no record, some records no id."""
    steps = draw(st.lists(st.sampled_from([1, 1, 1, 1, 2, 15]), min_size=1, max_size=60))
    offsets = [sum(steps[: number + 1]) - 1 for number in range(len(steps))]
    return [_row(offset, draw(st.none() | st.integers(0, 12))) for offset in offsets]


def _repeated(windows: Windows, slices: Iterable[Sequence[Row]], source: int = 0) -> list[int]:
    """Give the offsets of records that repeat another one."""
    found = []
    for piece in slices:
        if piece:
            admitted = [record.offset for record, _ in windows.admit(source, piece)]
            found += [row.offset for row in piece if row.offset not in admitted]
    return found


def _causes(log: Sequence[Row]) -> list[bytes]:
    return [cause for _, cause in Windows(ONE, SIZE).admit(0, log)]


def _identity(row: Row) -> bytes | None:
    return next((value for name, value in row.headers if name == "id"), None)


@given(rows())
def test_a_repetition_within_the_size_is_found_and_none_beyond_twice_that(log: list[Row]) -> None:
    repeated = set(_repeated(Windows(ONE, SIZE), [log]))
    last: dict[bytes, int] = {}
    for row in log:
        identity = _identity(row)
        if identity is None:
            assert row.offset not in repeated
            continue
        distance = row.offset - last.get(identity, -1000)
        last[identity] = row.offset
        if distance <= SIZE:
            assert row.offset in repeated
        if distance >= 2 * SIZE:
            assert row.offset not in repeated


@given(rows(), st.sets(st.integers(0, 60)))
def test_slices_do_not_matter(log: list[Row], cuts: set[int]) -> None:
    places = [0, *sorted(cut for cut in cuts if cut < len(log)), len(log)]
    slices = [log[begin:end] for begin, end in pairwise(places)]
    whole = _repeated(Windows(ONE, SIZE), [log])
    assert _repeated(Windows(ONE, SIZE), slices) == whole
    assert _repeated(Windows(ONE, SIZE), [[row] for row in log]) == whole


@given(rows(), st.integers(0, 200), st.integers(1, 7))
def test_it_does_not_matter_where_somebody_takes_over(log: list[Row], offset: int, length: int) -> None:
    windows = Windows(ONE, SIZE)
    begin = windows.begin(0, offset)
    assert offset - 2 * SIZE < begin <= max(0, offset - SIZE)
    before = [row for row in log if begin <= row.offset < offset]
    after = [row for row in log if row.offset >= offset]
    _repeated(windows, [before[n : n + length] for n in range(0, len(before), length)])
    found = _repeated(windows, [after])
    assert found == [place for place in _repeated(Windows(ONE, SIZE), [log]) if place >= offset]


def test_records_are_told_apart_by_their_ids_or_else_by_their_places() -> None:
    log = [_row(1, 7), _row(2, 8), _row(3, None), _row(4, None)]
    assert _causes(log) == [b"7", b"8", b"One-0-3", b"One-0-4"]


def test_an_id_of_another_input_counts() -> None:
    windows = Windows([*ONE, TopicPartition("Other", 0)], SIZE)
    assert _repeated(windows, [[_row(0, 1), _row(1, 2)]]) == []
    assert _repeated(windows, [[_row(50, 3), _row(51, 2)]], source=1) == [51]
    assert _repeated(windows, [[_row(2, 3), _row(3, 4)]]) == [2]


def test_an_id_is_repeated_within_a_slice() -> None:
    assert _repeated(Windows(ONE, SIZE), [[_row(0, 1), _row(1, None), _row(2, 1), _row(3, 1)]]) == [2, 3]


def test_an_empty_id_is_none() -> None:
    log = [Row(number, [("id", empty)]) for number, empty in enumerate([b"", b"", None, None])]
    assert _causes(log) == [b"One-0-0", b"One-0-1", b"One-0-2", b"One-0-3"]
    log[1].headers = [("id", None), ("id", b"1")]
    assert _causes(log) == [b"One-0-0", b"1", b"One-0-2", b"One-0-3"]
