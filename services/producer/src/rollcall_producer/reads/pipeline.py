"""`GET /Pipeline`: how far the worker has come whose work is shown, and the view with it."""

from time import time

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from rollcall_domain.times import write_time
from rollcall_producer.reads.answering import answer
from rollcall_producer.reads.parameters import Parameters
from rollcall_producer.settings import ProducerSettings
from rollcall_producer.views import queries
from rollcall_producer.views.group import Group
from rollcall_producer.views.view import View

PIPELINE_ROUTE = "/Pipeline"


class Pipeline(msgspec.Struct, rename="pascal"):
    """How far things have come.

    Attributes:
        group: The consumer group whose work is shown.
        generation: The generation of that work that is shown.
        lag_records: Records that the group has not handled; null while that is not known.
        lag_seconds: For how long at least one of them waits, as far as this process has seen; null likewise.
        last_commit: When the group was last seen to have come further, in RFC 3339, UTC; null if it was not.
        view_lag_seconds: For how long the view has not been known to show all that the group has written.
    """

    group: str
    generation: int
    lag_records: int | None
    lag_seconds: float | None
    last_commit: str | None
    view_lag_seconds: float


class GetPipeline:
    """The endpoint."""

    def __init__(self, settings: ProducerSettings, view: View, group: Group) -> None:
        self._settings = settings
        self._view = view
        self._group = group

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        Parameters(request.scope)
        generation, current = await self._view.read(lambda snapshot: (snapshot.generation, queries.current(snapshot)))
        group = self._group
        seconds, commit = group.lag_seconds(), group.last_commit
        return answer(
            Pipeline(
                self._settings.group,
                generation,
                group.lag,
                None if seconds is None else round(seconds, 3),
                None if commit is None else write_time(int(commit * 1000)),
                round(max(0.0, time() - current), 3),
            )
        )
