"""The API: routes and what answers them."""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rollcall_domain.events import StudentRecordUpdate
from rollcall_domain.service.health import Check, health_routes
from rollcall_producer import metrics, problems
from rollcall_producer.edge import read_update
from rollcall_producer.errors import DeliveryError

Write = Callable[[StudentRecordUpdate], Awaitable[None]]
"""Makes an update durable, or raises a `DeliveryError`."""


def create_app(write: Write, ready: Check) -> Starlette:
    """Build the API.

    Args:
        write: Where updates go.
        ready: What `/readyz` asks.
    """

    async def update(request: Request) -> Response:
        await write(await read_update(request))
        return Response()

    app = Starlette(
        routes=[
            Route("/Record/Update", update, methods=["PUT"]),
            *health_routes(live=lambda: None, ready=ready, registry=metrics.registry),
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
