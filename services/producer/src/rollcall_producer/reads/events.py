"""`GET /Record/{StudentId}/History`: a student's events, a page of them or all as they are found."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import NamedTuple

import msgspec
from msgspec import UNSET, UnsetType
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from rollcall_domain.service.health import HEADERS
from rollcall_producer import answers
from rollcall_producer.past.student import Event
from rollcall_producer.reads.answering import answer
from rollcall_producer.reads.history import History
from rollcall_producer.reads.parameters import Parameters, cursor
from rollcall_producer.reads.student import student_of

HISTORY_ROUTE = "/Record/{StudentId}/History"

NDJSON = "application/x-ndjson"

_NDJSON_TYPES = (NDJSON, "application/ndjson", "application/jsonl", "application/x-jsonlines")


class Events(msgspec.Struct, rename="pascal"):
    """A page of a student's events.

    Attributes:
        events: The events, in the order of time; those of one partition always in that of the log.
        next: The cursor of the next page, if there may be more.
    """

    events: list[answers.Event]
    next: str | UnsetType = UNSET


class _Cursor(msgspec.Struct, array_like=True):
    """Where the next page begins: the offsets in `Student` and in the inbox."""

    offset: int
    inbox_offset: int


class GetHistory:
    """The endpoint."""

    def __init__(self, history: History) -> None:
        self._history = history

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        student_id = student_of(request.scope)
        parameters = Parameters(request.scope, "from", "to", "limit", "cursor")
        span = _Span(parameters.time("from"), parameters.time("to"))
        limit, after = parameters.limit(), parameters.cursor(_Cursor)
        found = self._found(student_id, span, after)
        if not wants_lines(request):
            async with aclosing(found):
                return answer(await _page(found, limit, after))
        lines = _lines(found, limit if parameters.has("limit") else None)
        first = await anext(lines, b"")  # a log that can't be read is said before anything else
        return StreamingResponse(_whole(first, lines), headers=HEADERS, media_type=NDJSON)

    async def _found(self, student_id: str, span: "_Span", after: _Cursor | None) -> AsyncGenerator[Event, None]:
        async with self._history.reading():
            spans = await self._history.spans(student_id, span.begin)
            if after is not None:
                first, inbox_first = spans.begins
                spans = spans._replace(begins=(max(first, after.offset), max(inbox_first, after.inbox_offset)))
            async with aclosing(self._history.events(student_id, spans)) as events:
                async for event in events:
                    if span.holds(event.timestamp):
                        yield event


class _Span(NamedTuple):
    """A time that events may be of, in milliseconds since 1970, UTC."""

    begin: int | None
    end: int | None

    def holds(self, timestamp: int) -> bool:
        return (self.begin is None or timestamp >= self.begin) and (self.end is None or timestamp <= self.end)


def wants_lines(request: Request) -> bool:
    """Tell whether a caller would rather have NDJSON than JSON."""
    accepted = request.headers.get("Accept", "")
    return any(kind.partition(";")[0].strip().lower() in _NDJSON_TYPES for kind in accepted.split(","))


async def _page(found: AsyncIterator[Event], limit: int, after: _Cursor | None) -> Events:
    begins = [0, 0] if after is None else [after.offset, after.inbox_offset]
    page: list[answers.Event] = []
    async for event in found:
        if len(page) == limit:
            return Events(page, cursor(_Cursor(*begins)))
        page.append(_told(event))
        begins[event.source] = event.offset + 1
    return Events(page)


async def _lines(found: AsyncGenerator[Event, None], limit: int | None) -> AsyncGenerator[bytes, None]:
    async with aclosing(found):
        count = 0
        async for event in found:
            if count == limit:
                return
            count += 1
            yield msgspec.json.encode(_told(event)) + b"\n"


async def _whole(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    async with aclosing(rest):
        yield first
        async for line in rest:
            yield line


def _told(event: Event) -> answers.Event:
    return answers.of_update(event.update, event.timestamp, event.position, event.id)
