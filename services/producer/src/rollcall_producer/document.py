"""Documents that stay as they are for as long as the process, and that a caller needs to fetch only once."""

from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

_NO_HEADERS: Mapping[str, str] = {}


class Document:
    """A document, as bytes made once.

    Args:
        body: The document.
        media_type: What it is, with its charset if it has one.
        headers: Further headers of its answers.
    """

    def __init__(self, body: bytes, media_type: str, headers: Mapping[str, str] = _NO_HEADERS) -> None:
        self._body = body
        self._etag = f'"{sha256(body).hexdigest()[:32]}"'
        self._headers = {
            "ETag": self._etag,
            "Cache-Control": "no-cache",  # to be kept, and asked for again with If-None-Match
            "X-Content-Type-Options": "nosniff",
            "Content-Type": media_type,
            **headers,
        }

    async def answer(self, request: Request) -> Response:
        """Answer a request with the document, or with the word that the caller has it."""
        if is_known(request, self._etag):
            headers = {name: value for name, value in self._headers.items() if name != "Content-Type"}
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(self._body, headers=self._headers)


def is_known(request: Request, etag: str) -> bool:
    """Tell whether the caller has a document already, by the tag that it has now.

    Compared as RFC 9110 has it for If-None-Match: whether a tag is weak makes no difference.
    """
    given = request.headers.get("If-None-Match", "")
    return any(tag.strip().removeprefix("W/") in {"*", etag} for tag in given.split(","))
