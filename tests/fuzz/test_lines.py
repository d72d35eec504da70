"""Many updates in one body: the same verdicts, however the body is cut and whichever way it is read."""

import json
from collections.abc import Iterator
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall_producer import lines
from rollcall_producer.lines import Parsed, Splitter, parse_array, parse_lines
from rollcall_producer.problems import Problem
from rollcall_producer.update import Line
from support import inputs
from support.inputs import Json

LIMIT = 60
"""The longest line here, in bytes, so that some are longer."""

_ends = st.sampled_from([b"\n", b"\n", b"\n", b"\r\n", b"\n\n", b"\n \n", b"\r", b""])
_one = st.one_of(
    inputs.objects().map(lambda update: json.dumps(update).encode()),
    st.builds(
        lambda at, pad: b'{"StudentId":"s-%d",%b"State":"LoggedIn"}' % (at, b" " * pad),
        st.integers(0, 9),
        st.integers(0, 30),
    ),
    inputs.jsons,
)
_good = st.builds(lambda at: b'{"StudentId":"s-%d","State":"LoggedIn"}' % at, st.integers(0, 99))
bodies = st.one_of(
    st.lists(st.tuples(_one, _ends), max_size=8).map(lambda parts: b"".join(map(b"".join, parts))),
    st.lists(_good, max_size=30).map(lambda parts: b"\n".join(parts) + b"\n"),
)


def prepare(patch: pytest.MonkeyPatch) -> None:
    """Make limits small, so that inputs come to them."""
    patch.setattr(lines, "LINE_LIMIT", LIMIT)


@pytest.fixture(scope="module", autouse=True)
def _short_lines() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        prepare(patch)
        yield


def _parsed_lines(block: bytes) -> list[Parsed]:
    return [*chain.from_iterable(parse_lines(block))]


def _parsed_array(body: bytes) -> list[Parsed]:
    return [*chain.from_iterable(parse_array(body))]


def _told(parsed: Parsed) -> object:
    """Give what can be compared: problems are compared by what they say."""
    return (parsed.status, parsed.kind, parsed.field, parsed.detail) if isinstance(parsed, Problem) else parsed


def _alone(line: bytes) -> object:
    """Tell what becomes of a line by itself."""
    if len(line) > LIMIT:
        return "line-too-large"
    if not line.strip():
        return None
    (parsed,) = _parsed_array(b"[%b]" % line) if _is_value(line) else _parsed_lines(line + b"\n")
    return _told(parsed)


def _is_value(line: bytes) -> bool:
    """Whether a line is one JSON value, which is read alike as an element of an array."""
    try:
        return len(_parsed_array(b"[%b]" % line)) == 1
    except Problem:
        return False


def _shown(parsed: Parsed) -> object:
    return "line-too-large" if isinstance(parsed, Problem) and parsed.kind == "line-too-large" else _told(parsed)


@given(bodies)
def test_each_line_of_a_block_is_read_as_it_is_alone(body: bytes) -> None:
    whole = body if body.endswith(b"\n") else body + b"\n"
    assert [_shown(parsed) for parsed in _parsed_lines(whole)] == [_alone(line) for line in whole[:-1].split(b"\n")]


@given(bodies)
def test_the_fast_way_and_the_slow_way_agree(body: bytes) -> None:
    whole = body if body.endswith(b"\n") else body + b"\n"
    slowly = _parsed_lines(whole + b"\n")  # a blank line has all of them read one by one
    assert slowly.pop() is None
    assert [*map(_told, _parsed_lines(whole))] == [*map(_told, slowly)]


@given(st.data())
def test_it_makes_no_difference_where_a_body_is_cut(data: st.DataObject) -> None:
    body = data.draw(bodies)
    splitter = Splitter()
    read: list[Parsed] = []
    for piece in data.draw(inputs.cuts(body)):
        for block in splitter.feed(piece):
            read += block
    for block in splitter.end():
        read += block
    whole = body if body.endswith(b"\n") or not body else body + b"\n"
    assert [*map(_told, read)] == [*map(_told, _parsed_lines(whole) if whole else [])]


@given(st.lists(st.one_of(inputs.objects(), inputs.values), max_size=8))
def test_an_element_of_an_array_is_read_as_a_line_is(elements: list[Json]) -> None:
    texts = [json.dumps(element).encode() for element in elements]
    read = [_told(parsed) for parsed in _parsed_array(b"[%b]" % b",".join(texts))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "LINE_LIMIT", 65_536)
        assert read == [_told(_parsed_lines(text + b"\n")[0]) for text in texts]


@given(inputs.damaged(st.lists(inputs.jsons, max_size=5).map(lambda parts: b"[" + b",".join(parts) + b"]")))
def test_an_array_is_read_or_is_a_problem(body: bytes) -> None:
    try:
        read = _parsed_array(body)
    except Problem as problem:
        read = [problem]
    assert all(isinstance(parsed, Line | Problem) for parsed in read)
