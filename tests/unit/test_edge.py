from http import HTTPStatus

import pytest

from rollcall_producer.edge import parse_update
from rollcall_producer.problems import Problem
from rollcall_producer.update import Update


@pytest.mark.parametrize(
    "body",
    [
        b'{"StudentId":"s-1","State":"LoggedOut"}',
        b'{"studentId":"s-1","state":"LoggedOut"}',
        b'{"STUDENTID":"s-1","sTATE":"LoggedOut"}',
        b' { "State" : "LoggedOut" , "StudentId" : "s-1" } ',
        b'{"studentid":"s-0","state":"LoggedOut","studentid":"s-1"}',
    ],
)
def test_takes_property_names_in_any_case_and_order(body: bytes) -> None:
    assert parse_update(body) == Update("s-1", "LoggedOut")


@pytest.mark.parametrize(
    ("body", "status", "kind", "field"),
    [
        (b"", 400, "malformed-body", None),
        (b"{", 400, "malformed-body", None),
        (b"[" * 60_000, 400, "malformed-body", None),
        (b"{'StudentId':'s-1'}", 400, "malformed-body", None),
        (b'{"StudentId":"\xff","State":"LoggedIn"}', 400, "malformed-body", None),
        (b'{"StudentId":"s-1","State":"LoggedIn"}{}', 400, "malformed-body", None),
        (b"[]", 422, "not-an-object", None),
        (b'"s-1"', 422, "not-an-object", None),
        (b"{}", 422, "missing-property", "StudentId"),
        (b'{"StudentId":"s-1"}', 422, "missing-property", "State"),
        (b'{"StudentId":"s-1","State":"LoggedIn","Room":1}', 422, "unknown-property", "Room"),
        (b'{"StudentId":"a","studentid":"b","State":"LoggedIn"}', 422, "ambiguous-property", "StudentId"),
        (b'{"StudentId":null,"State":"LoggedIn"}', 422, "invalid-value", "StudentId"),
        (b'{"StudentId":1,"State":"LoggedIn"}', 422, "invalid-value", "StudentId"),
        (b'{"StudentId":"","State":"LoggedIn"}', 422, "invalid-value", "StudentId"),
        (b'{"studentid":"\\u0000","State":"LoggedIn"}', 422, "invalid-value", "StudentId"),
        (b'{"StudentId":"s-1","State":"LoggedIn","At":"2026-11-23T08:00:00"}', 422, "invalid-value", "At"),
        (b'{"StudentId":"s-1","State":"LoggedIn","At":1795456578}', 422, "invalid-value", "At"),
        (b'{"StudentId":"s-1","State":"LoggedIn","Id":"1"}', 422, "unknown-property", "Id"),
        (b'{"StudentId":"' + b"x" * 257 + b'","State":"LoggedIn"}', 422, "invalid-value", "StudentId"),
        (b'{"StudentId":"s-1","State":0}', 422, "invalid-value", "State"),
        (b'{"StudentId":"s-1","State":"loggedin"}', 422, "invalid-value", "State"),
        (b'{"StudentId":"s-1","State":["LoggedIn"]}', 422, "invalid-value", "State"),
        (b'{"StudentId":"s-1","State":1e999}', 422, "invalid-value", None),
        (b'{"StudentId":"s-1","State":' + b"9" * 5000 + b"}", 422, "invalid-value", None),
    ],
)
def test_names_what_is_wrong(body: bytes, status: int, kind: str, field: str | None) -> None:
    with pytest.raises(Problem) as caught:
        parse_update(body)
    assert caught.value.status == HTTPStatus(status)
    assert (caught.value.kind, caught.value.field) == (kind, field)
    assert field is None or field in caught.value.detail
