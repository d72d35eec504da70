"""Errors as the API's callers see them: RFC 9457 problem details."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from rollcall_domain.errors import InvalidStudentIdError
from rollcall_domain.service.health import HEADERS
from rollcall_producer import metrics
from rollcall_producer.errors import BusyError, DeliveryError, RecordTooLargeError, ReusedIdError

log = structlog.get_logger()

RETRY_AFTER = 1
"""Seconds to wait before trying again, after a 503."""

SHOWN = 64
"""How many characters of a caller's own text a problem repeats."""


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
        kind: str,
        detail: str,
        *,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
        **extensions: object,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})
        self.field = field
        self.extensions = extensions
        if status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            self.headers["Connection"] = "close"  # what is left of the body is not read

    def document(self) -> dict[str, Any]:
        """Build the members of the problem document."""
        return {
            "type": f"urn:rollcall:problem:{self.kind}",
            "title": self.kind.replace("-", " ").capitalize(),
            "status": self.status.value,
            "detail": self.detail,
            **({} if self.field is None else {"field": self.field}),
            **self.extensions,
        }

    def response(self) -> Response:
        """Build the answer, and count it."""
        metrics.problems.labels(self.status.value, self.kind).inc()
        body = msgspec.json.encode(self.document())
        return Response(body, self.status.value, {**HEADERS, **self.headers}, media_type="application/problem+json")


def serialize(problem: Problem, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Answer with a problem as the last bytes of a connection, where no application can."""
    response = problem.response()
    status = f"HTTP/1.1 {problem.status.value} {problem.status.phrase}\r\n".encode()
    headers = [*headers, *response.raw_headers, (b"connection", b"close")]
    return b"".join((status, *(b"%b: %b\r\n" % header for header in headers), b"\r\n", bytes(response.body)))


def invalid(detail: str, field: str, kind: str = "invalid-value") -> Problem:
    """Build the problem of a property that is at fault."""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, kind, detail, field=field)


def unsupported(detail: str, field: str) -> Problem:
    """Build the problem of a body in a form that is not taken."""
    return Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail, field=field)


def unavailable(kind: str, detail: str, outcome: str) -> Problem:
    """Build the problem of a request that is fine, and may be tried again.

    Args:
        kind: What is wrong, for programs.
        detail: What is wrong, for people.
        outcome: What is known of the update: `not-written` or `unknown`.
    """
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, kind, detail, headers=_retry(RETRY_AFTER), outcome=outcome)


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
    status, headers = HTTPStatus(error.status_code), error.headers or {}
    details = {
        HTTPStatus.NOT_FOUND: f"there is nothing at {request.url.path[:SHOWN]}",
        HTTPStatus.METHOD_NOT_ALLOWED: f"the method here is {headers.get('Allow')}, not {request.method[:SHOWN]}",
    }
    kind = status.phrase.lower().replace(" ", "-")
    return Problem(status, kind, details.get(status, error.detail), headers=headers).response()
