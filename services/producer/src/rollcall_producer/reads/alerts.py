"""`GET /Alerts`: what rules have found of late."""

from datetime import timedelta
from time import time

import msgspec
from msgspec import UNSET, UnsetType
from starlette.requests import Request
from starlette.responses import Response

from rollcall_producer import answers
from rollcall_producer.reads.answering import answer
from rollcall_producer.reads.parameters import Parameters, cursor
from rollcall_producer.reads.patience import Patience
from rollcall_producer.views import queries
from rollcall_producer.views.queries import Behind
from rollcall_producer.views.view import View

ALERTS_ROUTE = "/Alerts"

WINDOW = timedelta(minutes=10)

LONGEST = timedelta(days=365)
"""As far back as alerts are kept."""


class Alerts(msgspec.Struct, rename="pascal"):
    """A page of alerts.

    Attributes:
        alerts: The alerts, the latest first.
        next: The cursor of the next page, if there may be more.
    """

    alerts: list[answers.Alert]
    next: str | UnsetType = UNSET


class GetAlerts:
    """The endpoint.

    Args:
        view: The view.
        patience: Waits for it.
        partitions: How many partitions each topic has.
    """

    def __init__(self, view: View, patience: Patience, partitions: int) -> None:
        self._view = view
        self._patience = patience
        self._partitions = partitions

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        parameters = Parameters(request.scope, "window", "limit", "cursor", "after")
        window, limit = parameters.span("window", WINDOW, LONGEST), parameters.limit()
        behind = parameters.cursor(Behind)
        await self._patience.all(parameters.position("after", self._partitions))
        begin = int(time() * 1000) - window
        found = await self._view.read(lambda snapshot: queries.alerts(snapshot, begin, behind, limit + 1))
        page = Alerts([answers.of_alert(alert) for alert in found[:limit]])
        if len(found) > limit:
            page.next = cursor(Behind(found[limit - 1].at, found[limit - 1].id))
        return answer(page)
