"""Step 1 of an update's way: bytes of a request to a valid update, or a problem that names what is wrong."""

import re
from http import HTTPStatus
from typing import Any, Literal

import msgspec
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request

from rollcall_domain.errors import InvalidStudentIdError
from rollcall_domain.events import State, StudentRecordUpdate, check_student_id
from rollcall_producer.problems import SHOWN, Problem

BODY_LIMIT = 65_536
"""The largest body of a single update, in bytes."""


class _Body(msgspec.Struct, forbid_unknown_fields=True, gc=False, rename="pascal"):
    student_id: str
    state: Literal["LoggedIn", "LoggedOut"]


_USUAL_CONTENT_TYPES = {"application/json", "application/json; charset=utf-8"}
_JSON_SUFFIX = re.compile(r"application/.+\+json")

_decoder = msgspec.json.Decoder(_Body)
_properties = {"studentid": "StudentId", "state": "State"}


async def read_update(request: Request) -> StudentRecordUpdate:
    """Read an update from a request.

    Raises:
        Problem: The request is at fault.
    """
    _check_content_type(request.headers)
    return parse_update(await _read_body(request))


def _check_content_type(headers: Headers) -> None:
    declared = headers.get("content-type", "")
    if declared not in _USUAL_CONTENT_TYPES:
        _check_unusual_content_type(declared)
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise _unsupported("the body must not be compressed", "Content-Encoding")


def _check_unusual_content_type(declared: str) -> None:
    media_type, *parameters = (part.strip().lower() for part in declared.split(";"))
    if media_type not in ("application/json", "text/json") and not _JSON_SUFFIX.fullmatch(media_type):
        shown = repr(declared[:SHOWN]) if declared else "missing"
        raise _unsupported(f"the content type must be application/json, and is {shown}", "Content-Type")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "charset" and value.strip('"') not in ("utf-8", "utf8"):
            raise _unsupported("the charset must be utf-8", "Content-Type")


def _unsupported(detail: str, field: str) -> Problem:
    return Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail, field=field)


async def _read_body(request: Request) -> bytes:
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > BODY_LIMIT:
        raise _too_large()
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_LIMIT:
                raise _too_large()
    except ClientDisconnect as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "incomplete-body", "the body ended early") from error
    return bytes(body)


def _too_large() -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large", f"the body may have {BODY_LIMIT} bytes at the most"
    )


def parse_update(body: bytes) -> StudentRecordUpdate:
    """Read an update from the bytes of a JSON object, strictly, but with property names in any case.

    Of a name that is given twice the last value counts, as usual in JSON.

    Raises:
        Problem: 400 for what is not JSON, 422 for JSON that is not an update.
    """
    try:
        parsed = _decoder.decode(body)
        student_id, state = parsed.student_id, State[parsed.state]
    except (ValueError, RecursionError):
        student_id, state = _bind(_parse_object(body))
    try:
        check_student_id(student_id)
    except InvalidStudentIdError as error:
        raise _invalid("invalid-value", f"StudentId {error}", "StudentId") from error
    return StudentRecordUpdate(student_id, state)


def _parse_object(body: bytes) -> dict[str, Any]:
    if not body:
        raise _malformed("the body is empty")
    try:
        parsed = msgspec.json.decode(body)
    except UnicodeDecodeError as error:
        raise _malformed("the body is not UTF-8") from error
    except RecursionError as error:
        raise _malformed("the body is nested too deeply") from error
    except msgspec.DecodeError as error:
        raise _malformed(f"the body is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise _invalid("not-an-object", "the body must be a JSON object")
    return parsed


def _bind(given: dict[str, Any]) -> tuple[str, State]:
    values: dict[str, Any] = {}
    for name, value in given.items():
        known = _properties.get(name.lower())
        if known is None:
            raise _invalid("unknown-property", f"there is no property {name[:SHOWN]!r}", name[:SHOWN])
        if known in values:
            raise _invalid("ambiguous-property", f"{known} is given in two spellings", known)
        values[known] = value
    for name in _properties.values():
        if name not in values:
            raise _invalid("missing-property", f"{name} is missing", name)
    return _student_id(values["StudentId"]), _state(values["State"])


def _student_id(value: object) -> str:
    if not isinstance(value, str):
        raise _invalid("invalid-value", "StudentId must be a string", "StudentId")
    return value


def _state(value: object) -> State:
    if not isinstance(value, str) or value not in State.__members__:
        raise _invalid("invalid-value", 'State must be "LoggedIn" or "LoggedOut"', "State")
    return State[value]


def _malformed(detail: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "malformed-body", detail)


def _invalid(kind: str, detail: str, field: str | None = None) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, kind, detail, field=field)
