"""Step 1 of an update's way: bytes of a request to a valid update, or a problem that names what is wrong."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.types import Message, Receive

from rollcall_producer.binding import bind
from rollcall_producer.problems import SHOWN, Problem, unsupported
from rollcall_producer.update import Update

BODY_LIMIT = 65_536
"""The largest body of a single update, in bytes."""

_LONG = len(str(BODY_LIMIT))
_USUAL_CONTENT_TYPES = {b"application/json", b"application/json; charset=utf-8"}
_JSON_SUFFIX = re.compile(r"application/.+\+json")


def check_headers(headers: Mapping[bytes, bytes]) -> None:
    """Make sure that a body is said to be JSON, not compressed and not too large.

    Args:
        headers: The request's headers, names in lower case.

    Raises:
        Problem: 415 or 413.
    """
    declared = headers.get(b"content-type", b"")
    if declared not in _USUAL_CONTENT_TYPES:
        _check_unusual_content_type(declared.decode("latin-1"))
    encoding = headers.get(b"content-encoding")
    if encoding is not None and encoding.strip().lower() != b"identity":
        raise unsupported("the body must not be compressed", "Content-Encoding")
    length = headers.get(b"content-length", b"")
    if len(length) >= _LONG and length.isdigit() and int(length) > BODY_LIMIT:
        raise _too_large()


def _check_unusual_content_type(declared: str) -> None:
    media_type, *parameters = (part.strip().lower() for part in declared.split(";"))
    if media_type not in ("application/json", "text/json") and not _JSON_SUFFIX.fullmatch(media_type):
        shown = repr(declared[:SHOWN]) if declared else "missing"
        raise unsupported(f"the content type must be application/json, and is {shown}", "Content-Type")
    check_charset(parameters)


def check_charset(parameters: list[str]) -> None:
    """Make sure that the parameters of a content type, in lower case, name no charset but UTF-8.

    Raises:
        Problem: 415.
    """
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "charset" and value.strip('"') not in ("utf-8", "utf8"):
            raise unsupported("the charset must be utf-8", "Content-Type")


async def read_on(message: Message, receive: Receive) -> bytes:
    """Read the body of a single update whose first part is not all of it, or is too large.

    Args:
        message: The first part.
        receive: Gives the others.

    Raises:
        Problem: 413 for one that is too large, 400 for one that ends early.
    """
    body: bytes = message.get("body", b"")
    while message.get("more_body", True):
        if message["type"] != "http.request":
            raise Problem(HTTPStatus.BAD_REQUEST, "incomplete-body", "the body ended early")
        if len(body) > BODY_LIMIT:
            break
        message = await receive()
        body += message.get("body", b"")
    if len(body) > BODY_LIMIT:
        raise _too_large()
    return body


def _too_large() -> Problem:
    detail = f"the body may have {BODY_LIMIT} bytes at the most"
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large", detail)


_decoder = msgspec.json.Decoder(Update)


def parse_update(body: bytes) -> Update:
    """Read an update from the bytes of a JSON object, strictly, but with property names in any case.

    Of a name that is given twice the last value counts, as usual in JSON.

    Raises:
        Problem: 400 for what is not JSON, 422 for JSON that is not an update.
    """
    try:
        return _decoder.decode(body)
    except (ValueError, RecursionError):
        return bind(parse_object(body), Update)


def parse_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        Problem: 400 for what is not JSON, 422 for other JSON.
    """
    if not body:
        raise _malformed("the body is empty")
    try:
        parsed = msgspec.json.decode(body)
    except UnicodeDecodeError as error:
        raise _malformed("the body is not UTF-8") from error
    except RecursionError as error:
        raise _malformed("the body is nested too deeply") from error
    except msgspec.ValidationError as error:  # JSON sets numbers no bounds
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-value", "a number is out of range") from error
    except msgspec.DecodeError as error:
        raise _malformed(f"the body is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "not-an-object", "the body must be a JSON object")
    return parsed


def _malformed(detail: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "malformed-body", detail)
