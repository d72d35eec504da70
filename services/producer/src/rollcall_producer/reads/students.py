"""`GET /Record`: the records of many students, a page at a time."""

import asyncio
from time import monotonic

import msgspec
from msgspec import UNSET, UnsetType
from starlette.requests import Request
from starlette.responses import Response

from rollcall_producer import answers
from rollcall_producer.reads.answering import answer
from rollcall_producer.reads.parameters import Parameters, cursor
from rollcall_producer.reads.patience import Patience
from rollcall_producer.views import queries
from rollcall_producer.views.queries import After, Wanted
from rollcall_producer.views.reader import Snapshot
from rollcall_producer.views.view import View

RECORDS_ROUTE = "/Record"

LASTING = 1.0
"""Seconds for which a count is given again."""

COUNTS = 100
"""Counts that are kept."""


class Records(msgspec.Struct, rename="pascal"):
    """A page of records.

    Attributes:
        records: The records, by StudentId; with `since`, by Since and then StudentId.
        next: The cursor of the next page, if there may be more.
        count: How many there are on all pages, if that was asked for.
    """

    records: list[answers.Record]
    next: str | UnsetType = UNSET
    count: int | UnsetType = UNSET


class GetRecords:
    """The endpoint.

    Args:
        view: The view.
        patience: Waits for it.
        partitions: How many partitions each topic has.
    """

    def __init__(self, view: View, patience: Patience, partitions: int) -> None:
        self._counts = _Counts(view)
        self._view = view
        self._patience = patience
        self._partitions = partitions

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        parameters = Parameters(request.scope, "state", "since", "prefix", "limit", "cursor", "count", "after")
        wanted = Wanted(parameters.state("state"), parameters.time("since"), parameters.text("prefix"))
        limit, after, counted = parameters.limit(), parameters.cursor(After), parameters.flag("count")
        reflected = parameters.position("after", self._partitions)
        await self._patience.all(reflected)
        page = await self._view.read(lambda snapshot: _page(snapshot, wanted, after, limit))
        if counted:
            page.count = await self._counts.count(wanted, anew=reflected is not None)
        return answer(page)


class _Counts:
    """Counts that were made a moment ago: with very many students each takes some time, and many pages ask for it."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._made: dict[Wanted, tuple[float, asyncio.Task[int]]] = {}

    async def count(self, wanted: Wanted, *, anew: bool) -> int:
        """Count records; again, if that was long ago, or is asked for."""
        made = self._made.get(wanted)
        if anew or made is None or monotonic() - made[0] > LASTING:
            if len(self._made) >= COUNTS:
                self._made.clear()
            counting = asyncio.create_task(self._view.read(lambda snapshot: queries.count(snapshot, wanted)))
            made = self._made[wanted] = monotonic(), counting
        return await asyncio.shield(made[1])


def _page(snapshot: Snapshot, wanted: Wanted, after: After | None, limit: int) -> Records:
    found = queries.records(snapshot, wanted, after, limit + 1)
    page = Records([answers.of_record(record) for record in found[:limit]])
    if len(found) > limit:
        last = found[limit - 1]
        page.next = cursor(After(last.since, last.student_id))
    return page
