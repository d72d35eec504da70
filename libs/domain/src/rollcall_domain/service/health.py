"""What an orchestrator asks a service: is it alive, is it ready, how does it fare."""

from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    disable_created_metrics,
    generate_latest,
)
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

disable_created_metrics()  # type: ignore[no-untyped-call]

Check = Callable[[], str | None]
"""Returns what is wrong, in a few words, or None while all is well."""

Endpoint = Callable[[Request], Awaitable[Response]]

HEALTH_PATHS = frozenset({"/livez", "/readyz", "/metrics"})
"""Where a service is asked."""

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""For answers that hold for now only, and that nobody is to take for a page."""


class Health(msgspec.Struct):
    """How a service fares.

    Attributes:
        status: Whether it is alive, or ready.
        reason: Why not.
    """

    status: Literal["ok", "unavailable"]
    reason: str | UnsetType = UNSET


def _unguarded(endpoint: Endpoint) -> Endpoint:
    return endpoint


def health_routes(
    live: Check,
    ready: Check,
    registry: CollectorRegistry,
    guard_metrics: Callable[[Endpoint], Endpoint] = _unguarded,
) -> list[Route]:
    """Serve `/livez`, `/readyz` and `/metrics`.

    Args:
        live: Is the process making progress? It must not depend on Kafka, whose outage no restart mends.
        ready: Can it do its work now?
        registry: The metrics to show, in Prometheus's text format.
        guard_metrics: Puts a check of the caller's rights before `/metrics`. The others are for orchestrators.
    """

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), headers=HEADERS, media_type=CONTENT_TYPE_LATEST)

    return [
        Route("/livez", _answer(live)),
        Route("/readyz", _answer(ready)),
        Route("/metrics", guard_metrics(metrics)),
    ]


def _answer(check: Check) -> Endpoint:
    async def endpoint(_: Request) -> Response:
        fault = check()
        status, health = (200, Health("ok")) if fault is None else (503, Health("unavailable", fault))
        return Response(msgspec.json.encode(health), status, HEADERS, media_type="application/json")

    return endpoint
