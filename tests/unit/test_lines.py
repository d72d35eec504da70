import json
import tracemalloc

import pytest

from rollcall_producer.lines import LINE_LIMIT, SLICE, Parsed, Splitter, parse_array, parse_lines
from rollcall_producer.problems import Problem
from rollcall_producer.update import Line

UPDATE = {"StudentId": "s-1", "State": "LoggedIn"}
GOOD = b'{"StudentId":"s-1","State":"LoggedIn"}\n'


def _read(pieces: list[bytes]) -> list[Parsed]:
    splitter = Splitter()
    blocks = [block for piece in pieces for block in splitter.feed(piece)]
    return [line for block in [*blocks, *splitter.end()] for line in block]


def _elements(body: bytes) -> list[Parsed]:
    return [element for block in parse_array(body) for element in block]


def _kinds(lines: list[Parsed]) -> list[str | None]:
    return [line.kind if isinstance(line, Problem) else None if line is None else line.student_id for line in lines]


def test_lines_at_fault_are_read_a_few_at_a_time_so_that_others_get_their_turn() -> None:
    assert max(map(len, parse_lines(b"nonsense\n" * 5000))) == SLICE
    assert max(map(len, parse_array(b"[" + b"17," * 5000 + b"17]"))) == SLICE


def test_a_line_that_is_too_long_is_told_from_its_neighbours() -> None:
    long = b'{"StudentId":"s-1",' + b" " * LINE_LIMIT + b'"State":"LoggedIn"}\n'
    assert _kinds(_read([GOOD + long + GOOD])) == ["s-1", "line-too-large", "s-1"]


@pytest.mark.parametrize("size", [1, 2, 3, 10, 1000, LINE_LIMIT, 1_000_000])
def test_lines_are_the_same_however_the_body_is_cut(size: int) -> None:
    long = b'{"StudentId":"s-1",' + b" " * LINE_LIMIT + b'"State":"LoggedIn"}\n'
    body = GOOD + b"\n" + b"nonsense\r\n" + long + GOOD + b" \n" + GOOD.rstrip()
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    expected = ["s-1", None, "malformed-body", "line-too-large", "s-1", None, "s-1"]
    assert _kinds(_read(pieces)) == expected


def test_a_line_that_is_too_long_is_not_kept() -> None:
    splitter, piece = Splitter(), b"x" * 10_000
    tracemalloc.start()
    for _ in range(1000):
        assert not list(splitter.feed(piece))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * LINE_LIMIT
    assert _kinds([line for block in splitter.feed(b"\n" + GOOD) for line in block]) == ["line-too-large", "s-1"]


def test_an_array_of_updates_is_read_whole() -> None:
    (elements,) = parse_array(b"[" + b",".join([GOOD.rstrip()] * 1000) + b"]")
    assert elements == [Line("s-1", "LoggedIn")] * 1000


@pytest.mark.parametrize(
    "odd",
    [
        {"StudentId": '],[{"\\', "State": ",]}"},
        {"deep": [[[{"a": [1, 2, {"b": "}"}]}]]]},
        [[], [1, 2], {}],
        10**4000,
        -1.5e300,
        "\u00e9\ud83d\ude00,]",
        {},
        True,
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_cuts_an_array_where_its_elements_end(odd: object, indent: int | None) -> None:
    body = json.dumps([UPDATE, odd, UPDATE, odd], indent=indent).encode()
    elements = _elements(body)
    assert [isinstance(element, Line) for element in elements] == [True, False, True, False]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "malformed-body"),
        (b"[1,", "malformed-body"),
        (b"[1 2]", "malformed-body"),
        (b"[1]]", "malformed-body"),
        (b'["\xff"]', "malformed-body"),
        (b"[" * 100_000 + b"]" * 100_000, "malformed-body"),
        (b' {"a":1}', "not-an-array"),
        (b'"["', "not-an-array"),
    ],
)
def test_refuses_as_a_whole_what_is_no_array(body: bytes, kind: str) -> None:
    with pytest.raises(Problem) as caught:
        _elements(body)
    assert caught.value.kind == kind


def test_a_number_may_have_any_digits() -> None:
    line = json.dumps(UPDATE).encode()
    elements = _elements(b"[%b,%b,%b]" % (line, b"7" * 10_000, line))
    assert [isinstance(element, Line) for element in elements] == [True, False, True]


def test_an_empty_array_has_no_elements() -> None:
    assert not _elements(b" [ ] ")
