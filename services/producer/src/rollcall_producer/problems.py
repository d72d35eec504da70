"""Errors as the API's callers see them: RFC 9457 problem details."""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from rollcall_domain.service.health import HEADERS
from rollcall_producer import metrics
from rollcall_producer.errors import DeliveryError

RETRY_AFTER = "1"
"""Seconds to wait before trying again, after a 503."""


SHOWN = 64
"""How many characters of a caller's own text a problem repeats."""

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Problem(Exception):  # noqa: N818 - the RFC's own noun
    """A request that is answered with a problem.

    Attributes:
        status: The HTTP status.
        kind: What is wrong, for programs: the last part of the problem's type.
        detail: What is wrong, for people, in one sentence.
        field: The property or header at fault, if there is one.
        headers: Further headers of the answer.
    """

    def __init__(
        self,
        status: HTTPStatus,
        kind: str,
        detail: str,
        *,
        field: str | None = None,
        headers: Mapping[str, str] = _NO_HEADERS,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.field = field
        self.headers = headers


def document(status: HTTPStatus, kind: str, detail: str, **extensions: str) -> dict[str, Any]:
    """Build the members of a problem document."""
    return {
        "type": f"urn:rollcall:problem:{kind}",
        "title": kind.replace("-", " ").capitalize(),
        "status": status.value,
        "detail": detail,
        **extensions,
    }


def _respond(
    status: HTTPStatus, kind: str, detail: str, headers: Mapping[str, str] = _NO_HEADERS, **extensions: str
) -> Response:
    metrics.problems.labels(status.value, kind).inc()
    body = document(status, kind, detail, **extensions)
    return JSONResponse(body, status.value, {**HEADERS, **headers}, media_type="application/problem+json")


async def on_problem(_: Request, error: Exception) -> Response:
    """Answer a request that is at fault."""
    assert isinstance(error, Problem)  # noqa: S101 - Starlette's handlers are typed for any exception
    extensions = {} if error.field is None else {"field": error.field}
    # What is left of a body that is too large is not read.
    closing = {"Connection": "close"} if error.status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE else {}
    return _respond(error.status, error.kind, error.detail, {**error.headers, **closing}, **extensions)


async def on_delivery_error(_: Request, error: Exception) -> Response:
    """Answer a request that is fine, but that Kafka has not acknowledged."""
    assert isinstance(error, DeliveryError)  # noqa: S101 - as above
    status, headers = HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": RETRY_AFTER}
    return _respond(status, "kafka-unavailable", str(error), headers, outcome=error.outcome)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Answer a request that no route takes."""
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    status, headers = HTTPStatus(error.status_code), error.headers or {}
    details = {
        HTTPStatus.NOT_FOUND: f"there is nothing at {request.url.path[:SHOWN]}",
        HTTPStatus.METHOD_NOT_ALLOWED: f"the method here is {headers.get('Allow')}, not {request.method[:SHOWN]}",
    }
    kind = status.phrase.lower().replace(" ", "-")
    return _respond(status, kind, details.get(status, error.detail), headers)


async def on_bug(_: Request, __: Exception) -> Response:
    """Answer a request that met a fault of ours; the log has the rest."""
    return _respond(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "an unforeseen error, which was logged")
