"""`GET /Activity`: how many log in and out, step by step."""

from datetime import timedelta
from time import time

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from rollcall_domain.activity import MINUTE, Minute
from rollcall_domain.times import write_time
from rollcall_producer.reads.answering import answer
from rollcall_producer.reads.parameters import Parameters, fault
from rollcall_producer.reads.patience import Patience
from rollcall_producer.views import queries
from rollcall_producer.views.view import View

ACTIVITY_ROUTE = "/Activity"

WINDOW, STEP = timedelta(minutes=30), timedelta(minutes=1)

LONGEST = timedelta(days=7)
"""As far back as minutes are counted."""

MOST_STEPS = 2000


class Step(msgspec.Struct, rename="pascal"):
    """What happened in a part of the window.

    Attributes:
        start: When it began, in RFC 3339, UTC.
        logins: Updates to LoggedIn whose time lies within it.
        logouts: Updates to LoggedOut.
    """

    start: str
    logins: int = 0
    logouts: int = 0


class Activity(msgspec.Struct, rename="pascal"):
    """What happened within a window.

    Attributes:
        step_seconds: How long each step is.
        steps: All of them, the oldest first; the last one is still under way.
    """

    step_seconds: int
    steps: list[Step]


class GetActivity:
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
        parameters = Parameters(request.scope, "window", "step", "after")
        window, step = parameters.span("window", WINDOW, LONGEST), parameters.span("step", STEP, LONGEST)
        if step % MINUTE:
            raise fault("step", "must be whole minutes")
        if window < step or window > step * MOST_STEPS:
            raise fault("window", f"must be 1 to {MOST_STEPS} steps")
        await self._patience.all(parameters.position("after", self._partitions))
        end = (int(time() * 1000) // step + 1) * step
        begin = end - -(-window // step) * step
        minutes = await self._view.read(lambda snapshot: queries.minutes(snapshot, begin, end))
        return answer(Activity(step // 1000, sum_up(minutes, begin, end, step)))


def sum_up(minutes: list[Minute], begin: int, end: int, step: int) -> list[Step]:
    """Sum up minutes by steps; all times are in milliseconds."""
    steps = [Step(write_time(start)) for start in range(begin, end, step)]
    for minute in minutes:
        into = steps[(minute.start - begin) // step]
        into.logins += minute.logins
        into.logouts += minute.logouts
    return steps
