"""How reads are answered: as JSON for the moment, or to be kept for as long as it has not changed."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from rollcall_domain.service.health import HEADERS
from rollcall_producer.document import is_known

JSON = "application/json"


def answer(told: object) -> Response:
    """Answer with what holds for now only."""
    return Response(msgspec.json.encode(told), headers=HEADERS, media_type=JSON)


def lasting(request: Request, told: object, etag: str, headers: Mapping[str, str]) -> Response:
    """Answer with what the caller may keep and ask for again, and with nothing if it is what the caller has.

    Args:
        request: The request.
        told: What is told.
        etag: What tells it from all that was there before.
        headers: Further headers of the answer.
    """
    common = {**HEADERS, "ETag": etag, "Cache-Control": "no-cache", **headers}
    if is_known(request, etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=common)
    return Response(msgspec.json.encode(told), headers=common, media_type=JSON)
