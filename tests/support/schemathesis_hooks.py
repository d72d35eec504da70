"""What schemathesis can't know of the API: how lines are written and compressed, and what schemas can't say."""

import gzip
import json
import re
import uuid
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

import schemathesis
from backports import zstd
from hypothesis import strategies as st
from schemathesis import Case, CheckContext, DeserializationContext, HookContext, Response, SerializationContext

from rollcall_domain.events import STUDENT_ID_LIMIT
from support.inputs import Json

_UNTOLD = re.compile(r"[0-9]+@[0-9]+|[0-9]+[smhd]")

AnyCase: TypeAlias = "Case[Any]"

schemathesis.openapi.format(
    "date-time",
    st.datetimes(datetime(1970, 1, 2), datetime(2026, 1, 1), timezones=st.just(UTC)).map(datetime.isoformat),  # noqa: DTZ001
)


@schemathesis.serializer("application/x-ndjson")
def _write_lines(context: SerializationContext, value: Json) -> bytes:
    lines = value if isinstance(value, list) else [value]
    return _compress(context.case, b"".join(_json(line) + b"\n" for line in lines))


@schemathesis.serializer("application/json")
def _write_json(context: SerializationContext, value: Json) -> bytes:
    return _compress(context.case, _json(value))


def _json(value: Json) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def _compress(case: AnyCase, body: bytes) -> bytes:
    headers: Json = case.headers or {}
    match headers.get("Content-Encoding"):
        case "gzip":
            return gzip.compress(body)
        case "zstd":
            return zstd.compress(body)
    return body


@schemathesis.deserializer("application/x-ndjson")
def _read_lines(_: DeserializationContext, response: Response) -> list[Any]:
    return [json.loads(line) for line in response.content.splitlines()]


@schemathesis.hook
def filter_body(_: HookContext, body: Json) -> bool:
    """Leave out a StudentId of too many bytes: schemas count characters."""
    updates = body if isinstance(body, list) else [body]
    ids = [update.get("StudentId") for update in updates if isinstance(update, dict)]
    return all(len(given.encode(errors="replace")) <= STUDENT_ID_LIMIT for given in ids if isinstance(given, str))


@schemathesis.hook
def before_call(_: HookContext, case: AnyCase, __: dict[str, Any]) -> None:
    """Give each update an id of its own: one that another update had is refused.

    And leave out a cursor or a last id that nobody has given, a position that there will never be, for which reads
    would wait, and spans that are longer than others, which schemas can't say.
    """
    query: Json = case.query or {}
    for name in [name for name, value in query.items() if name == "cursor" or _UNTOLD.fullmatch(str(value))]:
        del query[name]
    headers: Json = case.headers or {}
    headers.pop("Last-Event-ID", None)
    _make_own(headers, "Idempotency-Key")
    body: Json = case.body
    for update in body if isinstance(body, list) else []:
        _make_own(update, "Id")


def _make_own(part: Json, name: str) -> None:
    if isinstance(part, MutableMapping) and isinstance(part.get(name), str) and part[name]:
        part[name] = _own(part[name])


def _own(given: str) -> str:
    """Make an id unique, and leave it as valid as it was."""
    return uuid.uuid4().hex + given[32:] if len(given) > 32 else given[:-1] + uuid.uuid4().hex + given[-1]


@schemathesis.check
def problem_is_described(_: CheckContext, response: Response, case: AnyCase) -> None:
    """Make sure that a problem is one of those that the description shows for the status."""
    if response.headers.get("content-type", [""])[0] != "application/problem+json":
        return
    kind = response.json()["type"].removeprefix("urn:rollcall:problem:")
    described = case.operation.definition.raw["responses"].get(str(response.status_code), {})
    described = described.get("content", {}).get("application/problem+json", {})
    assert kind in described.get("examples", {}) or kind == "method-not-allowed", kind


@schemathesis.check
def every_line_is_told_of(_: CheckContext, response: Response, case: AnyCase) -> None:
    """Make sure that each line is either accepted or rejected, and that there are rejections where it says so."""
    if case.path != "/Record/Updates" or response.status_code not in (200, 207) or not isinstance(case.body, list):
        return
    told = [json.loads(line) for line in response.content.splitlines()]
    summary = told[-1].get("Summary", told[-1])
    assert summary["Accepted"] + summary["Rejected"] == summary["DurableThrough"] == len(case.body), summary
    assert [verdict["Line"] for verdict in told[:-1]] == [*range(1, len(told))], told
    assert len(summary["Rejections"]) == summary["Rejected"], summary
    assert response.status_code == 200 or summary["Rejected"] or len(told) > 1, summary
