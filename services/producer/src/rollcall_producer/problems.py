"""Errors as the API's callers see them: RFC 9457 problem details."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from rollcall_producer import metrics
from rollcall_producer.errors import DeliveryError

RETRY_AFTER = "1"
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
        outcome: What has become of the update, if that is not plain: `not-written` or `unknown`.
    """

    def __init__(
        self, status: HTTPStatus, kind: str, detail: str, *, field: str | None = None, outcome: str | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.field = field
        self.outcome = outcome


_HEADERS = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: {"Connection": "close"},  # what is left of such a body is not read
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": RETRY_AFTER},
}


def respond(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with a problem, and count it."""
    metrics.problems.labels(problem.status.value, problem.kind).inc()
    document = {
        "type": f"urn:rollcall:problem:{problem.kind}",
        "title": problem.kind.replace("-", " ").capitalize(),
        "status": problem.status.value,
        "detail": problem.detail,
    }
    extensions = {"field": problem.field, "outcome": problem.outcome}
    document |= {name: value for name, value in extensions.items() if value is not None}
    headers = headers or _HEADERS.get(problem.status)
    return JSONResponse(document, problem.status.value, headers, media_type="application/problem+json")


def serialize(problem: Problem, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Answer with a problem as the last bytes of a connection, where no application can, and count it."""
    response = respond(problem)
    status = f"HTTP/1.1 {problem.status.value} {problem.status.phrase}\r\n".encode()
    headers = [*headers, *response.raw_headers, (b"connection", b"close")]
    return b"".join((status, *(b"%b: %b\r\n" % header for header in headers), b"\r\n", bytes(response.body)))


async def on_problem(_: Request, error: Exception) -> Response:
    """Answer a request that is at fault."""
    assert isinstance(error, Problem)  # noqa: S101 - Starlette's handlers are typed for any exception
    return respond(error)


async def on_delivery_error(_: Request, error: Exception) -> Response:
    """Answer a request that is fine, but that Kafka has not acknowledged."""
    assert isinstance(error, DeliveryError)  # noqa: S101 - as above
    status = HTTPStatus.SERVICE_UNAVAILABLE
    return respond(Problem(status, "kafka-unavailable", str(error), outcome=error.outcome))


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Answer a request that no route takes."""
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    status, headers = HTTPStatus(error.status_code), error.headers or {}
    details = {
        HTTPStatus.NOT_FOUND: f"there is nothing at {request.url.path[:SHOWN]}",
        HTTPStatus.METHOD_NOT_ALLOWED: f"the method here is {headers.get('Allow')}, not {request.method[:SHOWN]}",
    }
    kind = status.phrase.lower().replace(" ", "-")
    return respond(Problem(status, kind, details.get(status, error.detail)), headers)


async def on_bug(_: Request, __: Exception) -> Response:
    """Answer a request that met a fault of ours; the log has the rest."""
    detail = "an unforeseen error, which was logged"
    return respond(Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", detail))
