"""How an upload is written: NDJSON or a JSON array, compressed or not; and how its lines are read out of that."""

from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import NamedTuple

from starlette.types import Receive

from rollcall_producer.edge import check_charset
from rollcall_producer.inflate import Body, body
from rollcall_producer.lines import Parsed, Splitter, parse_array
from rollcall_producer.problems import SHOWN, Problem, unsupported

ARRAY_LIMIT = 1024 * 1024
"""The largest JSON array, in bytes, which is held as a whole; NDJSON may be of any length."""

INFLATED_LIMIT = 1024**3
"""Bytes that a compressed body may have when inflated."""

_NDJSON = {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"}


class Form(NamedTuple):
    """How an upload is written.

    Attributes:
        array: Whether it is a JSON array.
        zstd: Whether it is compressed by zstd, which takes a window of up to 8 MiB.
        body: What inflates it.
    """

    array: bool
    zstd: bool
    body: Body

    async def lines(self, receive: Receive) -> AsyncIterator[list[Parsed]]:
        """Read the lines, as they come in.

        Yields:
            Some lines at a time.

        Raises:
            Problem: The body ends early, is damaged, or is no array where that is what it should be.
        """
        pieces = _pieces(self.body, receive)
        async for lines in _whole(pieces) if self.array else _split(pieces):
            yield lines


def form(headers: Mapping[bytes, bytes]) -> Form:
    """Tell how an upload is written.

    Raises:
        Problem: 415, for what is not read here.
    """
    declared = headers.get(b"content-type", b"").decode("latin-1")
    media_type, *parameters = (part.strip().lower() for part in declared.split(";"))
    check_charset(parameters)
    if media_type != "application/json" and media_type not in _NDJSON:
        shown = repr(declared[:SHOWN]) if declared else "missing"
        raise unsupported(
            f"the content type must be application/x-ndjson or application/json, and is {shown}", "Content-Type"
        )
    encoding = headers.get(b"content-encoding", b"identity").decode("latin-1").strip().lower()
    return Form(media_type == "application/json", encoding == "zstd", body(encoding, INFLATED_LIMIT))


async def _pieces(reader: Body, receive: Receive) -> AsyncIterator[bytes]:
    """Give the body as it comes in, inflated."""
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Problem(HTTPStatus.BAD_REQUEST, "incomplete-body", "the body ended early")
        for piece in reader.feed(message["body"]):
            yield piece
        more = message["more_body"]
    reader.end()


async def _split(pieces: AsyncIterator[bytes]) -> AsyncIterator[list[Parsed]]:
    splitter = Splitter()
    async for piece in pieces:
        for lines in splitter.feed(piece):
            yield lines
    for lines in splitter.end():
        yield lines


async def _whole(pieces: AsyncIterator[bytes]) -> AsyncIterator[list[Parsed]]:
    whole = bytearray()
    async for piece in pieces:
        whole += piece
        if len(whole) > ARRAY_LIMIT:
            detail = f"a JSON array may have {ARRAY_LIMIT} bytes at the most; NDJSON may be of any length"
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large", detail)
    for elements in parse_array(whole):
        yield elements
