"""Many updates in one body: NDJSON, a line at a time, or the elements of a JSON array."""

import contextlib
import json
import re
from collections.abc import Iterator
from http import HTTPStatus
from itertools import islice

import msgspec

from rollcall_producer.binding import bind
from rollcall_producer.edge import parse_object
from rollcall_producer.problems import Problem
from rollcall_producer.update import Line

LINE_LIMIT = 65_536
"""The longest line, in bytes."""

SLICE = 200
"""Lines at fault that are read in one go: each takes as long as fifty others, and other callers wait meanwhile."""

Parsed = Line | Problem | None
"""A line as it was read: an update, what is wrong with it, or None for a blank one."""

_line = msgspec.json.Decoder(Line)
_lines: msgspec.json.Decoder[Parsed] = msgspec.json.Decoder(Line)  # lists of lines are lists of parsed ones, too
_array: msgspec.json.Decoder[list[Parsed]] = msgspec.json.Decoder(list[Line])
_anything = msgspec.json.Decoder(msgspec.Raw)

_scan = json.JSONDecoder(parse_int=len, parse_float=len).raw_decode  # which wants the end of a value, not the value
_between = re.compile(r"[ \t\r\n,]*")


class Splitter:
    """Cuts a stream of bytes into blocks of whole lines, and never holds more than a block and a line."""

    def __init__(self) -> None:
        self._rest = b""
        self._too_long = False

    def feed(self, data: bytes) -> Iterator[list[Parsed]]:
        """Take further bytes, and give the lines that they complete."""
        end = data.rfind(b"\n") + 1
        if not end:
            self._keep(self._rest + data)
            return
        block, self._rest = self._rest + data[:end], b""
        if self._too_long:
            self._too_long = False
            yield [_too_long()]
            block = block[block.index(b"\n") + 1 :]
        self._keep(data[end:])
        if block:
            yield from parse_lines(block)

    def end(self) -> Iterator[list[Parsed]]:
        """Give the last line, which may have no end of its own."""
        if self._too_long:
            yield [_too_long()]
        elif self._rest:
            yield from parse_lines(self._rest + b"\n")

    def _keep(self, rest: bytes) -> None:
        """Keep the begin of a line; of one that is too long, only that it is."""
        self._too_long |= len(rest) > LINE_LIMIT
        self._rest = b"" if self._too_long else rest


def parse_lines(block: bytes) -> Iterator[list[Parsed]]:
    """Read lines, each of which has its end.

    Yields:
        An element for each line.
    """
    count = block.count(b"\n")
    if block.count(b"}\n") + block.count(b"}\r\n") == count and not _has_long_line(block):
        with contextlib.suppress(ValueError, RecursionError):
            updates = _lines.decode_lines(block)
            if len(updates) == count:  # each line is one object, and nothing else
                yield updates
                return
    lines = block[:-1].split(b"\n")
    for start in range(0, count, SLICE):
        yield [_parse_line(line) for line in lines[start : start + SLICE]]


def _has_long_line(block: bytes) -> bool:
    """Tell whether a line is too long: from one's begin there must be an end within the limit. Looks at few of them."""
    begin = 0
    while len(block) - begin > LINE_LIMIT:
        begin = block.rfind(b"\n", begin, begin + LINE_LIMIT + 1) + 1
        if not begin:
            return True
    return False


def _parse_line(line: bytes) -> Parsed:
    if len(line) > LINE_LIMIT:
        return _too_long()
    if not line.strip():
        return None
    return _parse(line)


def _parse(text: bytes) -> Parsed:
    try:
        return _line.decode(text)
    except (ValueError, RecursionError):
        try:
            return bind(parse_object(text), Line)
        except Problem as problem:
            return problem


def _too_long() -> Problem:
    detail = f"the line may have {LINE_LIMIT} bytes at the most"
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "line-too-large", detail)


def parse_array(body: bytes | bytearray) -> Iterator[list[Parsed]]:
    """Read the elements of a JSON array.

    Yields:
        An element for each.

    Raises:
        Problem: 400 for what is not JSON, 422 for JSON that is not an array; then there are no elements.
    """
    with contextlib.suppress(ValueError, RecursionError):
        yield _array.decode(body)
        return
    elements = _cut(_text_of_array(body))
    while some := [_parse(element.encode()) for element in islice(elements, SLICE)]:
        yield some


def _text_of_array(body: bytes | bytearray) -> str:
    try:
        _anything.decode(body)
        text = body.decode().strip(" \t\r\n")
    except (ValueError, RecursionError) as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "malformed-body", f"the body is not JSON: {error}") from error
    if text[0] != "[":
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "not-an-array", "the body must be a JSON array")
    return text


def _cut(array: str) -> Iterator[str]:
    """Cut an array that is known to be one into its elements, none of which is kept: there may be a million."""
    place = _skip(array, 1)
    while place < len(array) - 1:
        _, end = _scan(array, place)
        yield array[place:end]
        place = _skip(array, end)


def _skip(text: str, place: int) -> int:
    """Find the next place where there is more than what stands between elements."""
    between = _between.match(text, place)
    return place if between is None else between.end()
