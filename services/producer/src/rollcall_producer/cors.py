"""Pages of other origins in a browser: which of them may call the API (CORS)."""

import re
from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from rollcall_domain.errors import ConfigurationError
from rollcall_domain.service.settings import env_name

METHODS = ("GET", "HEAD", "POST", "PUT")
"""What such a page may do, as far as the routes allow it."""

REQUEST_HEADERS = (
    "Authorization",
    "Content-Encoding",
    "Content-Type",
    "Idempotency-Key",
    "If-None-Match",
    "Last-Event-ID",
    "traceparent",
    "tracestate",
)
"""What it may send along; tracing in a browser adds its headers to every call."""

ANSWER_HEADERS = (
    "ETag",
    "Retry-After",
    "WWW-Authenticate",
    "X-Rollcall-Id",
    "X-Rollcall-Idempotency",
    "X-Rollcall-Position",
)
"""What it may see of an answer, beside status and body."""

_ANY = "*"
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?")
_DEFAULT_PORT = re.compile(r"http://.*:80|https://.*:443")


def sharing(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """Let pages of other origins call an application, and read its errors as well.

    Credentials that a browser adds by itself are never allowed: the API takes none, and a page sends its token itself.

    Args:
        app: The application.
        origins: Origins, or `*` alone for all; none leaves the application as it is.
    """
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=METHODS,
        allow_headers=REQUEST_HEADERS,
        expose_headers=ANSWER_HEADERS,
    )


def parse_origins(text: str) -> list[str]:
    """Read origins that are separated by commas, or `*`.

    Raises:
        ConfigurationError: Something is no origin. It is named.
    """
    if text in ("", _ANY):
        return [text] if text else []
    origins = [origin.strip() for origin in text.split(",")]
    for origin in origins:
        fault = _fault(origin)
        if fault is not None:
            raise ConfigurationError(env_name("cors_origins"), fault)
    return origins


def _fault(origin: str) -> str | None:
    if origin == _ANY:
        return "* stands for all origins, and so alone"
    if not _ORIGIN.fullmatch(origin):
        return f"{origin!r} is no origin; one looks like https://app.example or http://localhost:3000, in lower case"
    if _DEFAULT_PORT.fullmatch(origin):
        return f"{origin!r} has a port that browsers leave out"
    return None
