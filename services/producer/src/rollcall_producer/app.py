"""The API: routes and what answers them."""

from collections.abc import Awaitable, Callable
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rollcall_domain.events import StudentRecordUpdate
from rollcall_domain.service.health import Check, health_routes
from rollcall_producer import metrics, problems
from rollcall_producer.access import Access
from rollcall_producer.edge import read_update
from rollcall_producer.errors import DeliveryError
from rollcall_producer.tokens import Scope

Write = Callable[[StudentRecordUpdate], Awaitable[None]]
"""Makes an update durable, or raises a `DeliveryError`."""


def create_app(write: Write, ready: Check, access: Access) -> Starlette:
    """Build the API.

    Args:
        write: Where updates go.
        ready: What `/readyz` asks.
        access: Who may do what.
    """

    async def update(request: Request) -> Response:
        await write(await read_update(request))
        return Response()

    app = Starlette(
        routes=[
            Route("/Record/Update", access.guarded(update, Scope.WRITE), methods=["PUT"]),
            *health_routes(lambda: None, ready, metrics.registry, partial(access.guarded, needed=Scope.READ)),
        ],
        exception_handlers={
            problems.Problem: problems.on_problem,
            DeliveryError: problems.on_delivery_error,
            HTTPException: problems.on_http_exception,
            Exception: problems.on_bug,
        },
    )
    app.router.redirect_slashes = False  # a redirect would be no problem document, and lose the body
    return app
