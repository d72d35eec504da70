"""What requests say in their headers."""

import re
from http import HTTPStatus
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall_producer.access import ANONYMOUS, Access
from rollcall_producer.binding import bind
from rollcall_producer.edge import check_headers
from rollcall_producer.problems import Problem
from rollcall_producer.put import traceparent
from rollcall_producer.tokens import Scope, make_token
from rollcall_producer.update import ID_LIMIT, ID_PATTERN, Line, Update
from support import inputs
from support.inputs import Json

Headers = list[tuple[bytes, bytes]]

_bytes = st.binary(max_size=20)
_hexadecimal = st.sampled_from(b"0123456789abcdef").map(lambda digit: bytes([digit]))


def _digits(count: int) -> st.SearchStrategy[bytes]:
    return st.lists(_hexadecimal, min_size=count, max_size=count).map(b"".join)


_rest = st.sampled_from([b"", b"-", b"-further", b"-" + b"x" * 200, b"-" + b"x" * 201, b" ", b"\n", b"-\xff"])
_traces = st.tuples(*(st.one_of(_digits(count)) for count in (2, 32, 16, 2))).flatmap(
    lambda parts: _rest.map(lambda rest: b"-".join(parts) + rest)
)


@given(inputs.damaged(_traces) | _bytes)
def test_a_trace_is_passed_on_if_it_is_one(given_: bytes) -> None:
    version, *rest = given_.split(b"-", 4)
    lengths = [len(version), *map(len, rest[:3])]
    is_one = (
        lengths == [2, 32, 16, 2]
        and set(b"".join([version, *rest[:3]])) <= set(b"0123456789abcdef")
        and (len(rest) == 3 or (len(rest[3]) <= 200 and all(0x21 <= byte <= 0x7E for byte in rest[3])))
    )
    assert traceparent({b"traceparent": given_}) == (given_ if is_one else None)


@given(st.binary(max_size=140) | inputs.ids.map(str.encode) | inputs.damaged(inputs.ids.map(str.encode)))
def test_an_id_is_visible_ascii_of_some_length(given_: bytes) -> None:
    is_one = 1 <= len(given_) <= ID_LIMIT and all(0x21 <= byte <= 0x7E for byte in given_)
    assert bool(re.match(ID_PATTERN.encode(), given_)) == is_one
    text = given_.decode("latin-1")
    line = {"StudentId": "s-1", "State": "LoggedIn", "Id": text}
    if is_one:
        assert bind(line, Line).id == text
    else:
        with pytest.raises(Problem) as caught:
            bind(line, Line)
        assert caught.value.field == "Id"


class _Guarded(NamedTuple):
    access: Access
    token: bytes


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> _Guarded:
    """Access that knows one token, whose scope is to write."""
    token, line = make_token("writer", [Scope.WRITE], None)
    path = tmp_path_factory.mktemp("access") / "tokens"
    path.write_text(line)
    return _Guarded(Access(path), token.encode())


@given(st.data())
def test_only_a_bearer_of_the_token_comes_in(guarded: _Guarded, data: st.DataObject) -> None:
    schemes = st.sampled_from([b"Bearer ", b"bearer ", b"BEARER  ", b"Bearer", b"Basic ", b""])
    tokens = st.one_of(st.just(guarded.token), inputs.damaged(st.just(guarded.token)), _bytes)
    values = st.tuples(schemes, tokens).map(b"".join)
    names = st.sampled_from([b"authorization", b"authorization", b"host"])
    headers: Headers = data.draw(st.lists(st.tuples(names, values), max_size=3))
    needed = data.draw(st.sampled_from(Scope))
    said = [value for name, value in headers if name == b"authorization"]
    bears = [value[7:].strip() == guarded.token for value in said if value[:7].lower() == b"bearer "]
    assert Access(None).admit(headers, needed) == ANONYMOUS
    if len(said) == 1 and bears == [True] and needed is Scope.WRITE:
        assert guarded.access.admit(headers, needed) == "writer"
        return
    with pytest.raises(Problem) as caught:
        guarded.access.admit(headers, needed)
    problem = caught.value
    if len(said) > 1:
        assert problem.status is HTTPStatus.BAD_REQUEST
        return
    assert problem.status is (HTTPStatus.FORBIDDEN if bears == [True] else HTTPStatus.UNAUTHORIZED)
    assert problem.headers["WWW-Authenticate"].startswith('Bearer realm="rollcall"')
    assert guarded.token.decode() not in str(problem.document())


_types = st.sampled_from(
    [b"application/json", b"text/json", b"application/problem+json", b"text/plain", b"", b"Application/JSON "]
)
_parameters = st.sampled_from([b"", b"; charset=utf-8", b';CHARSET="UTF-8"', b"; charset=utf-16", b";;=", b"; a=b"])


@given(inputs.damaged(st.tuples(_types, _parameters).map(b"".join)) | _bytes)
def test_a_content_type_is_json_in_utf_8_or_is_refused(declared: bytes) -> None:
    media_type, *parameters = declared.decode("latin-1").lower().split(";")
    is_json = media_type.strip() in ("application/json", "text/json") or bool(
        re.fullmatch(r"application/.+\+json", media_type.strip())
    )
    charsets = [
        value.strip('"') for name, _, value in (part.strip().partition("=") for part in parameters) if name == "charset"
    ]
    fits = is_json and all(charset in ("utf-8", "utf8") for charset in charsets)
    headers = {b"content-type": declared}
    if fits:
        check_headers(headers)
    else:
        with pytest.raises(Problem) as caught:
            check_headers(headers)
        assert (caught.value.status, caught.value.field) == (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Content-Type")


_odd = st.dictionaries(
    st.sampled_from(["studentid", "STATE", "aT", "iD", "Rooms", "\u0131d"]), inputs.values, max_size=1
)


@given(st.builds(lambda usual, odd: {**usual, **odd}, inputs.objects(), _odd))
def test_properties_are_bound_or_the_one_at_fault_is_named(properties: dict[str, Json]) -> None:
    given_ = {name.lower() for name in properties}
    for kind, names in ((Update, {"StudentId", "State", "At"}), (Line, {"StudentId", "State", "At", "Id"})):
        try:
            bound = bind(properties, kind)
        except Problem as problem:
            assert problem.field is not None  # noqa: PT017 - or else it is bound
            assert problem.field in (names if problem.kind != "unknown-property" else properties)  # noqa: PT017 - as above
        else:
            assert isinstance(bound, kind)
            assert bound.state in properties.values()
            assert {"studentid", "state"} <= given_ <= {name.lower() for name in names}
