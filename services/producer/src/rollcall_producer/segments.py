"""Paths whose segments may hold a slash, written as `%2F`: it ends none of them."""

import re
from collections.abc import Awaitable
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

_SLASH = re.compile(rb"%2f", re.IGNORECASE)


class Segments:
    """An application that finds its routes by a path in which such a slash is still written so.

    ASGI's path has it as any other slash. What a segment says is to be read from `raw_path`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass on a request."""
        raw = scope["raw_path"]
        if _SLASH.search(raw):
            scope["path"] = unquote(_SLASH.sub(b"%252F", raw).decode("latin-1"))
        return self._app(scope, receive, send)
