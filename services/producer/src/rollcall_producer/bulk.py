"""`POST /Record/Updates`: many updates in one body of any length, in bounded memory."""

from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from urllib.parse import parse_qs

import msgspec
from msgspec import UNSET, UnsetType
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rollcall_producer import problems, tokens
from rollcall_producer.access import Access, client_of
from rollcall_producer.form import form
from rollcall_producer.ingest import Ingest
from rollcall_producer.lines import Parsed
from rollcall_producer.problems import Problem, ProblemDetails
from rollcall_producer.put import traceparent
from rollcall_producer.rate import RateLimit
from rollcall_producer.turns import Turns
from rollcall_producer.upload import Upload, Verdict
from rollcall_producer.verdicts import Summary

_encoder = msgspec.json.Encoder()


class PostUpdates:
    """The endpoint: a plain ASGI application, which answers while the body still comes in where that is asked for."""

    def __init__(self, ingest: Ingest, access: Access, limit: RateLimit | None, patience: float) -> None:
        self._ingest = ingest
        self._access = access
        self._limit = limit
        self._patience = patience
        self._turns = Turns(patience)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request.

        Raises:
            Problem: The request is at fault as a whole.
        """
        scope["caller"] = self._access.admit(scope["headers"], tokens.Scope.WRITE)
        headers = dict(scope["headers"])
        written = form(headers)
        stream = _VerdictStream(send) if _wants_verdicts(scope["query_string"]) else None
        upload = Upload(self._ingest, traceparent(headers), self._patience, verdicts=stream is not None)
        async with self._turns.turn(written):
            lines = written.lines(receive)
            if self._limit is not None:
                lines = self._limit.pace(lines, client_of(scope))
            fault = await _take_all(upload, lines, _tell_nobody if stream is None else stream.tell)
        scope["accepted"] = upload.summary.accepted
        problem = _problem(upload, fault)
        if stream is not None and stream.begun:
            await stream.end(upload.summary, problem)
        elif problem is not None:
            await problem.response()(scope, receive, send)
        else:
            status = HTTPStatus.MULTI_STATUS if upload.summary.rejected else HTTPStatus.OK
            answer = Response(msgspec.json.encode(upload.summary), status, media_type="application/json")
            await answer(scope, receive, send)


def _wants_verdicts(query: bytes) -> bool:
    given = parse_qs(query.decode("latin-1"), keep_blank_values=True)
    wanted = given.pop("verdicts", ["rejected"])[-1]
    if wanted not in ("all", "rejected") or given:
        detail = "the only parameter is verdicts, which is all or rejected"
        raise Problem(HTTPStatus.BAD_REQUEST, "invalid-parameter", detail)
    return wanted == "all"


Tell = Callable[[list[Verdict]], Awaitable[None]]
"""Is told the verdicts on lines whose fate has become known, in order."""


async def _tell_nobody(_: list[Verdict]) -> None:
    pass


async def _take_all(upload: Upload, lines: AsyncIterator[list[Parsed]], tell: Tell) -> Problem | None:
    """Take all lines, and wait until their fate is known.

    Returns:
        The fault of the body at which it ended, or None.
    """
    fault = None
    try:
        async for block in lines:
            await upload.take(block)
            await tell(await upload.settled(wait=False))
            if upload.failure is not None:
                break
    except Problem as problem:
        fault = problem
    await tell(await upload.settled(wait=True))
    return fault


def _problem(upload: Upload, fault: Problem | None) -> Problem | None:
    """Tell as which problem an upload has ended, or None."""
    summary = upload.summary
    if upload.failure is not None:
        problem = problems.of(upload.failure)
        problem.detail += f"; durable are the lines up to number {summary.durable_through}"
        problem.extensions["outcome"] = upload.outcome  # of the lines behind that
        problem.headers["Connection"] = "close"  # what is left of the body is not read
    elif fault is not None:
        problem = fault
        problem.headers["Connection"] = "close"
    elif summary.rejected and not summary.accepted:
        problem = Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "nothing-accepted", "every line was rejected")
    else:
        return None
    problem.extensions["summary"] = summary
    return problem


class End(msgspec.Struct, rename="pascal", kw_only=True):
    """The last line of an answer with the verdict on each line.

    Attributes:
        summary: What became of all lines.
        problem: What kept it from being told of all of them, if something did.
    """

    summary: Summary
    problem: ProblemDetails | UnsetType = UNSET


class _VerdictStream:
    """An answer that goes out while the request still comes in: whoever asks for it has to read while sending.

    Attributes:
        begun: Whether the status is sent.
    """

    def __init__(self, send: Send) -> None:
        self.begun = False
        self._send = send

    async def tell(self, verdicts: list[Verdict]) -> None:
        """Send verdicts, a JSON object a line."""
        if not verdicts:
            return
        if not self.begun:
            self.begun = True
            headers = [(b"content-type", b"application/x-ndjson")]
            await self._send({"type": "http.response.start", "status": HTTPStatus.MULTI_STATUS, "headers": headers})
        await self._send({"type": "http.response.body", "body": _encoder.encode_lines(verdicts), "more_body": True})

    async def end(self, summary: Summary, problem: Problem | None) -> None:
        """Send the summary as the last line."""
        last = End(summary=summary, problem=UNSET if problem is None else problem.document())
        await self._send({"type": "http.response.body", "body": _encoder.encode_lines([last])})
