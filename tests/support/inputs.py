"""Inputs that somebody might send: valid, nearly valid, and noise."""

import json
from collections.abc import Callable
from datetime import timedelta, timezone
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from rollcall_domain.events import STUDENT_ID_LIMIT

Json = Any

_OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))

student_ids: SearchStrategy[str] = st.one_of(
    st.sampled_from(["s-1", "é", "🎓", " ", "\u2028", "\x7f", "\x85", "\n", ""]),
    st.text(max_size=20),
    st.integers(STUDENT_ID_LIMIT - 2, STUDENT_ID_LIMIT + 2).flatmap(
        lambda size: st.sampled_from(["x" * size, "é" * (size // 2), "🎓" * (size // 4)])
    ),
)
states: SearchStrategy[str] = st.sampled_from(["LoggedIn", "LoggedOut"])
times: SearchStrategy[str] = st.datetimes(timezones=_OFFSETS).map(lambda time: time.isoformat())
ids: SearchStrategy[str] = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=130)

scalars: SearchStrategy[Json] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(["LoggedIn", "loggedin", "0", 0, 1, 10**400, "2026-11-23T08:00:00", "2026-11-23"]),
)
values: SearchStrategy[Json] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)

_KNOWN: dict[str, SearchStrategy[Json]] = {
    "StudentId": student_ids | values,
    "State": states | values,
    "At": times | st.none() | values,
    "Id": ids | st.none() | values,
    "Room": values,
}


@st.composite
def objects(draw: st.DrawFn) -> dict[str, Json]:
    """Draw an object with names of an update's properties, most of them with a value that fits."""
    optional = {name: _KNOWN[name] for name in draw(st.lists(st.sampled_from(["At", "Id", "Room"]), max_size=2))}
    whole = {"StudentId": student_ids, "State": states, **optional}
    required = draw(
        st.sampled_from([whole, whole, {"StudentId": _KNOWN["StudentId"], "State": _KNOWN["State"]}, optional])
    )
    return {name: draw(value) for name, value in {**required, **optional}.items()}


_SPELLINGS: list[Callable[[str], str]] = [str, str.lower, str.upper, str.swapcase]


@st.composite
def respelled(draw: st.DrawFn) -> bytes:
    """Draw such an object as JSON, with names in any case and order, and white space."""
    items = draw(st.permutations([*draw(objects()).items()]))
    spelled = [(_SPELLINGS[draw(st.integers(0, 3))](name), value) for name, value in items]
    space = draw(st.sampled_from(["", " ", "\t", "\r"]))
    pairs = [f"{space}{json.dumps(name)}{space}:{space}{_text(draw, value)}{space}" for name, value in spelled]
    return f"{space}{{{','.join(pairs)}}}{space}".encode()


def _text(draw: st.DrawFn, value: Json) -> str:
    """Write a value as JSON, or in its place a number that is larger than most programs take."""
    huge = draw(st.sampled_from(["", "", "", "", "", "", "", "1e999", "-1E+400", "9" * 5000]))
    return huge or json.dumps(value, ensure_ascii=draw(st.booleans()))


@st.composite
def damaged(draw: st.DrawFn, whole: SearchStrategy[bytes]) -> bytes:
    """Draw something, and then cut, repeat, change or add some of its bytes."""
    data = draw(whole)
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 20)))
        middle = draw(
            st.sampled_from([b"", data[start:end] * 2, b"\n", b"}", b"\\ud800", b"\xff"]) | st.binary(max_size=4)
        )
        data = data[:start] + middle + data[end:]
    return data


jsons: SearchStrategy[bytes] = st.one_of(
    respelled(),
    damaged(respelled()),
    values.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=40),
    st.sampled_from([b"[" * 5000, b'{"a":' * 5000, b'{"StudentId":"\\ud800","State":"LoggedIn"}', b"", b"null"]),
)
"""Bytes that may be JSON, and may be an update."""


def cuts(data: bytes) -> SearchStrategy[list[bytes]]:
    """Cut bytes into pieces, some of which may be empty."""
    places = st.lists(st.integers(0, len(data)), max_size=8).map(sorted)
    return places.map(lambda at: [data[a:b] for a, b in zip([0, *at], [*at, len(data)], strict=True)])
