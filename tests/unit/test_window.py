"""Repetitions by id: the same ones, however the log is cut into pieces and wherever it is read back from."""

from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rollcall_consumer.runtime.window import Windows

SIZE = 8


@dataclass
class Seen:
    """A record, as far as its id goes."""

    offset: int
    identity: bytes | None
    timestamp: int = 0
    key: bytes | None = None
    value: bytes | None = None
    headers: list[tuple[str, bytes | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.headers = [("trace", b"x")] if self.identity is None else [("trace", b"x"), ("id", self.identity)]


def repeated(windows: Windows, records: list[Seen], cuts: list[int], source: int = 0) -> list[int]:
    """Admit records piece by piece, and give the offsets of those that are repetitions."""
    bounds = [0, *sorted({cut for cut in cuts if 0 < cut < len(records)}), len(records)]
    found = []
    for first, last in pairwise(bounds):
        piece = records[first:last]
        if piece:
            found += [piece[number].offset for number in sorted(windows.admit(source, piece).repeated)]
    return found


def test_finds_a_repetition_among_the_last_records_and_in_the_other_input() -> None:
    windows = Windows(2, SIZE)
    assert repeated(windows, [Seen(0, b"a"), Seen(1, b"b"), Seen(2, b"a"), Seen(3, None), Seen(4, None)], []) == [2]
    assert repeated(windows, [Seen(0, b"b"), Seen(1, b"c")], [], source=1) == [0]
    assert repeated(windows, [Seen(5, b"c")], []) == [5]


def test_forgets_what_is_further_back_than_twice_its_size() -> None:
    windows = Windows(1, SIZE)
    early = [Seen(offset, b"%d" % offset) for offset in range(2 * SIZE)]
    assert repeated(windows, early, []) == []
    assert repeated(windows, [Seen(2 * SIZE, b"0"), Seen(2 * SIZE + 1, b"%d" % SIZE)], []) == [2 * SIZE + 1]


logs = st.lists(st.one_of(st.none(), st.integers(0, 12)), min_size=1, max_size=50)


@given(logs, st.lists(st.integers(0, 50)), st.lists(st.integers(0, 50)), st.integers(0, 50))
def test_neither_pieces_nor_a_takeover_matter(
    log: list[int | None], cuts: list[int], others: list[int], takeover: int
) -> None:
    records = [Seen(offset, None if number is None else b"%d" % number) for offset, number in enumerate(log)]
    expected = repeated(Windows(1, SIZE), records, cuts)
    takeover = min(takeover, len(records))
    windows = Windows(1, SIZE)
    repeated(windows, records[windows.begin(0, takeover) : takeover], others)
    assert repeated(windows, records[takeover:], others) == [offset for offset in expected if offset >= takeover]
    for offset in expected:
        earlier = {record.identity for record in records[max(0, (offset // SIZE - 1) * SIZE) : offset]}
        assert records[offset].identity in earlier
