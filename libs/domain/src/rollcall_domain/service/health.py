"""What an orchestrator asks a service: is it alive, is it ready, how does it fare."""

from collections.abc import Awaitable, Callable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    disable_created_metrics,
    generate_latest,
)
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

disable_created_metrics()  # type: ignore[no-untyped-call]

Check = Callable[[], str | None]
"""Returns what is wrong, in a few words, or None while all is well."""


HEALTH_PATHS = frozenset({"/livez", "/readyz", "/metrics"})
"""Where a service is asked."""


def health_routes(live: Check, ready: Check, registry: CollectorRegistry) -> list[Route]:
    """Serve `/livez`, `/readyz` and `/metrics`.

    Args:
        live: Is the process making progress? It must not depend on Kafka, whose outage no restart mends.
        ready: Can it do its work now?
        registry: The metrics to show, in Prometheus's text format.
    """

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return [
        Route("/livez", _answer(live)),
        Route("/readyz", _answer(ready)),
        Route("/metrics", metrics),
    ]


def _answer(check: Check) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(_: Request) -> Response:
        fault = check()
        if fault is None:
            return JSONResponse({"status": "ok"})
        return JSONResponse({"status": "unavailable", "reason": fault}, status_code=503)

    return endpoint
