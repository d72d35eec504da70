"""`PUT /Record/Update`: one update, answered once it is durable.

A plain ASGI endpoint: this is the hot path, and whatever it does is done for each request.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from time import monotonic

from starlette.types import Receive, Scope, Send

from rollcall_producer import problems, tokens
from rollcall_producer.access import Access, client_of
from rollcall_producer.edge import BODY_LIMIT, check_headers, parse_update, read_on
from rollcall_producer.ingest import Ingest
from rollcall_producer.problems import Problem
from rollcall_producer.rate import RateLimit
from rollcall_producer.traffic import PUT_ROUTE, Traffic
from rollcall_producer.update import ID_LIMIT, ID_PATTERN

_WRITE = tokens.Scope.WRITE
_IDENTITY = re.compile(ID_PATTERN.encode())
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-[!-~]{0,200})?\Z")
_NO_LENGTH = (b"content-length", b"0")
_REPLAYED = (b"x-rollcall-idempotency", b"replayed")
_DOWNSTREAM = (b"x-rollcall-idempotency", b"downstream")
_END = {"type": "http.response.body"}


class PutUpdate:
    """The endpoint."""

    def __init__(self, ingest: Ingest, access: Access, limit: RateLimit | None, traffic: Traffic) -> None:
        self._ingest = ingest
        self._access = access
        self._limit = limit
        self._traffic = traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        began = monotonic()
        try:
            scope["caller"] = self._access.admit(scope["headers"], _WRITE)
            if self._limit is not None:
                self._limit.check(client_of(scope))
            headers = dict(scope["headers"])
            check_headers(headers)
            identity = _identity(headers)
            message = await receive()
            body = message.get("body", b"")
            if message.get("more_body", True) or len(body) > BODY_LIMIT:
                body = await read_on(message, receive)
            update = parse_update(body)
            batch, place, new, repeated = self._ingest.admit(update, identity, traceparent(headers))
            outcome = await batch.wait()
        except Exception as error:  # noqa: BLE001 - there is nobody else to answer
            await self._refuse(error, began, scope, receive, send)
            return
        if outcome is not None:
            await self._refuse(outcome, began, scope, receive, send)
            return
        answer = [_NO_LENGTH, (b"x-rollcall-id", new)]
        if batch.base is not None:
            answer.append((b"x-rollcall-position", b"%d@%d" % (batch.partition, batch.base + place)))
        if identity is not None:
            answer.append(_REPLAYED if repeated else _DOWNSTREAM)
        await send({"type": "http.response.start", "status": 200, "headers": answer})
        await send(_END)
        self._traffic.accept(scope, began)

    async def _refuse(self, error: Exception, began: float, scope: Scope, receive: Receive, send: Send) -> None:
        problem = problems.of(error)
        await problem.response()(scope, receive, send)
        self._traffic.report(scope, PUT_ROUTE, problem.status.value, began)


def _identity(headers: Mapping[bytes, bytes]) -> bytes | None:
    given = headers.get(b"idempotency-key")
    if given is not None and not _IDENTITY.match(given):
        detail = f"Idempotency-Key must be 1 to {ID_LIMIT} visible ASCII characters"
        raise Problem(HTTPStatus.BAD_REQUEST, "invalid-header", detail, field="Idempotency-Key")
    return given


def traceparent(headers: Mapping[bytes, bytes]) -> bytes | None:
    """Give the W3C trace of a request, or None if it has none; one of another form is none."""
    given = headers.get(b"traceparent")
    return given if given is not None and _TRACEPARENT.match(given) else None
