"""How the page and its files are served."""

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePath

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rollcall_producer.document import Document

CSS, SCRIPT, SVG = "text/css; charset=utf-8", "text/javascript; charset=utf-8", "image/svg+xml"

PAGE_ROUTE, FILE_ROUTE = "/", "/page/{name}"

_MEDIA_TYPES = {".css": CSS, ".js": SCRIPT, ".svg": SVG}

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}

_REFERRER = {"Referrer-Policy": "no-referrer"}

HEADERS = {"Content-Security-Policy": "; ".join(map(" ".join, _POLICY.items())), **_REFERRER}
"""The page may use files of its own, ask the service that it came from, and nothing else."""


def page_routes() -> list[Route]:
    """List the routes of the page: itself, and its files."""
    folder = files(__package__ or "")
    page = Document(folder.joinpath("index.html").read_bytes(), "text/html; charset=utf-8", HEADERS)
    return [Route(PAGE_ROUTE, page.answer), Route(FILE_ROUTE, _Files(folder).answer)]


class _Files:
    def __init__(self, folder: Traversable) -> None:
        self._documents = dict(_read(folder))

    async def answer(self, request: Request) -> Response:
        """Answer with the file of a name, or that there is none."""
        document = self._documents.get(request.path_params["name"])
        if document is None:
            raise HTTPException(404)
        return await document.answer(request)


def _read(folder: Traversable) -> Iterator[tuple[str, Document]]:
    for file in folder.iterdir():
        media_type = _MEDIA_TYPES.get(PurePath(file.name).suffix)
        if media_type is not None:
            yield file.name, Document(file.read_bytes(), media_type, _REFERRER)
