"""Errors as the API's callers see them: RFC 9457 problem details."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

import msgspec
import structlog
from msgspec import UNSET, UnsetType
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from rollcall_domain.errors import InvalidStudentIdError
from rollcall_domain.service.health import HEADERS
from rollcall_producer import metrics
from rollcall_producer.errors import (
    BusyError,
    DeliveryError,
    RecordTooLargeError,
    ReusedIdError,
    UnreadableLogError,
    UnreadableViewError,
)
from rollcall_producer.kinds import Kind
from rollcall_producer.verdicts import Summary

MEDIA_TYPE = "application/problem+json"

log = structlog.get_logger()

RETRY_AFTER = 1
"""Seconds to wait before trying again, after a 503."""

SHOWN = 64
"""How many characters of a caller's own text a problem repeats."""


class ProblemDetails(msgspec.Struct, kw_only=True):
    """What is wrong, as a document (RFC 9457).

    Attributes:
        type: What is wrong, for programs: `urn:rollcall:problem:` and one of the kinds that are listed.
        title: The same for people.
        status: The HTTP status.
        detail: What is wrong with this request, in one sentence.
        field: The property or header at fault, if there is one.
        outcome: With `kafka-unavailable`, what is known of the update: it is not in the log and never will be; or it is
            there, will be, or never will. Either way it may be sent again, and with the same id it is written once.
        summary: What became of the lines of an upload up to here.
    """

    type: str
    title: str
    status: int
    detail: str
    field: str | UnsetType = UNSET
    outcome: Literal["not-written", "unknown"] | UnsetType = UNSET
    summary: Summary | UnsetType = UNSET


class Problem(Exception):  # noqa: N818 - the RFC's own noun
    """A request that is answered with a problem.

    Attributes:
        status: The HTTP status.
        kind: What is wrong, for programs: the last part of the problem's type.
        detail: What is wrong, for people, in one sentence.
        field: The property or header at fault, if there is one.
        headers: Further headers of the answer.
        extensions: Further members of the document.
    """

    def __init__(
        self,
        status: HTTPStatus,
        kind: Kind,
        detail: str,
        *,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
        **extensions: Any,  # noqa: ANN401 - as ProblemDetails has them
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind: Kind = kind
        self.detail = detail
        self.headers = dict(headers or {})
        self.field = field
        self.extensions = extensions
        if status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            self.headers["Connection"] = "close"  # what is left of the body is not read

    def document(self) -> ProblemDetails:
        """Build the problem document."""
        return ProblemDetails(
            type=f"urn:rollcall:problem:{self.kind}",
            title=self.kind.replace("-", " ").capitalize(),
            status=self.status.value,
            detail=self.detail,
            field=UNSET if self.field is None else self.field,
            **self.extensions,
        )

    def response(self) -> Response:
        """Build the answer, and count it."""
        metrics.problems.labels(self.status.value, self.kind).inc()
        body = msgspec.json.encode(self.document())
        return Response(body, self.status.value, {**HEADERS, **self.headers}, media_type=MEDIA_TYPE)


def serialize(problem: Problem, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Answer with a problem as the last bytes of a connection, where no application can."""
    response = problem.response()
    status = f"HTTP/1.1 {problem.status.value} {problem.status.phrase}\r\n".encode()
    headers = [*headers, *response.raw_headers, (b"connection", b"close")]
    return b"".join((status, *(b"%b: %b\r\n" % header for header in headers), b"\r\n", bytes(response.body)))


def invalid(detail: str, field: str, kind: Kind = "invalid-value") -> Problem:
    """Build the problem of a property that is at fault."""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, kind, detail, field=field)


def unsupported(detail: str, field: str) -> Problem:
    """Build the problem of a body in a form that is not taken."""
    return Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail, field=field)


def unavailable(kind: Kind, detail: str, outcome: str) -> Problem:
    """Build the problem of a request that is fine, and may be tried again.

    Args:
        kind: What is wrong, for programs.
        detail: What is wrong, for people.
        outcome: What is known of the update: `not-written` or `unknown`.
    """
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, kind, detail, headers=_retry(RETRY_AFTER), outcome=outcome)


def later(kind: Kind, detail: str) -> Problem:
    """Build the problem of a read that is fine, and may be tried again."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, kind, detail, headers=_retry(RETRY_AFTER))


def of(error: Exception) -> Problem:
    """Build the problem that a request is answered with which has met an error; one that was not foreseen is logged."""
    match error:
        case Problem():
            problem = error
        case InvalidStudentIdError():
            problem = invalid(f"StudentId {error}", "StudentId")
        case ReusedIdError():
            problem = Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "reused-id", str(error))
        case RecordTooLargeError():
            problem = Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "record-too-large", str(error))
        case BusyError():
            problem = Problem(HTTPStatus.TOO_MANY_REQUESTS, "busy", str(error), headers=_retry(error.retry_after))
        case UnreadableViewError():
            problem = later("view-unavailable", str(error))
        case UnreadableLogError():
            problem = later("log-unavailable", str(error))
        case DeliveryError():
            problem = unavailable("kafka-unavailable", str(error), error.outcome)
        case _:
            log.error("Unforeseen error", exc_info=error)
            problem = Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "an unforeseen error, which was logged")
    return problem


def _retry(seconds: int) -> dict[str, str]:
    return {"Retry-After": str(seconds)}


async def on_error(_: Request, error: Exception) -> Response:
    """Answer a request that has met an error."""
    return of(error).response()


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Answer a request that no route takes."""
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    path, headers = request.scope["path"], error.headers or {}
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            problem = Problem(HTTPStatus.NOT_FOUND, "not-found", f"there is nothing at {path[:SHOWN]}")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            detail = f"the method here is {headers.get('Allow')}, not {request.method[:SHOWN]}"
            problem = Problem(HTTPStatus.METHOD_NOT_ALLOWED, "method-not-allowed", detail, headers=headers)
        case _:
            raise error
    return problem.response()
