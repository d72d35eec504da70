"""Compressed bodies, inflated piece by piece, so that a small one can't become a large one in memory."""

import sys
import zlib
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Protocol

from rollcall_producer.problems import Problem, unsupported

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PIECE = 128 * 1024
"""Bytes that are inflated at a time."""

RATIO = 200
"""How much larger a body may become: updates compress to a tenth or a thirtieth, bombs to a thousandth and less."""

FREE = 4 * 1024 * 1024
"""Bytes that are inflated whatever the ratio."""

_GZIP = 16 + zlib.MAX_WBITS
_ZSTD_WINDOW = 23
"""8 MiB of window at the most, as RFC 9659 has it for HTTP."""


class Body(Protocol):
    """Turns the bytes of a body, as they come, into those that were meant."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take further bytes."""

    def end(self) -> None:
        """Take the end.

        Raises:
            Problem: It came too early.
        """


def body(encoding: str, limit: int) -> Body:
    """Choose what reads a body of a content encoding.

    Args:
        encoding: The header Content-Encoding, or `identity` if there is none.
        limit: Bytes that a compressed body may have when inflated.

    Raises:
        Problem: 415 for an encoding that is not known.
    """
    match encoding.strip().lower():
        case "identity":
            return _Plain()
        case "gzip" | "x-gzip":
            return _Inflated(_Gzip, limit)
        case "zstd":
            return _Inflated(_zstd, limit)
        case _:
            raise unsupported("the content encoding must be gzip, zstd or none", "Content-Encoding")


class _Plain:
    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data

    def end(self) -> None:
        pass


class _Decompressor(Protocol):
    """What inflates one frame, as the standard library has it for zstd."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    @property
    def needs_input(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_GZIP)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        piece = self._stream.decompress(self._stream.unconsumed_tail + data, max_length)
        self.needs_input = not self._stream.unconsumed_tail and len(piece) < max_length
        return piece


def _zstd() -> _Decompressor:
    limits: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW}
    decompressor: _Decompressor = zstd.ZstdDecompressor(options=limits)
    return decompressor


class _Inflated:
    def __init__(self, begin: Callable[[], _Decompressor], limit: int) -> None:
        self._begin = begin
        self._limit = limit
        self._fed = 0
        self._inflated = 0
        self._stream = begin()
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._fed += len(data)
        while data or not self._stream.needs_input:
            self._begun = True
            try:
                piece = self._stream.decompress(data, PIECE)
            except (zlib.error, zstd.ZstdError) as error:
                raise _malformed(f"the compressed body is damaged: {error}") from error
            self._inflated += len(piece)
            self._check_size()
            yield piece
            data = self._next_frame()

    def _check_size(self) -> None:
        if self._inflated > self._limit:
            raise _too_large(f"the body may have {self._limit} bytes at the most when inflated")
        if self._inflated > FREE + RATIO * self._fed:
            raise _too_large(f"the body may become {RATIO} times larger at the most when inflated")

    def _next_frame(self) -> bytes:
        """Begin another frame if one has ended: compressed bodies may be joined. Gives the bytes left for it."""
        if not self._stream.eof:
            return b""
        rest, self._stream, self._begun = self._stream.unused_data, self._begin(), False
        return rest

    def end(self) -> None:
        if self._begun:
            raise _malformed("the compressed body ends early")


def _too_large(detail: str) -> Problem:
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large", detail)


def _malformed(detail: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "malformed-body", detail)
