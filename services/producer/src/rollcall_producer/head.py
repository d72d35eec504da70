"""The head of a request: what is collected of it as it comes in, and the same in ASGI's words."""

from functools import lru_cache
from urllib.parse import unquote

import httptools
from starlette.types import Scope

Header = tuple[bytes, bytes]
"""Name and value."""

Address = tuple[str, int | None] | None
"""A host and its port, as far as they are known."""

TARGETS = 64
"""Request targets that are kept as parsed: the same few come again and again. None is longer than a head may be."""

_ASGI = {"version": "3.0", "spec_version": "2.3"}


class Head:
    """The head of one request after the other on a connection.

    Attributes:
        target: What is asked for, as it was sent.
        headers: The headers, their names in lower case.
        expects: Whether the client waits to be told that its body is wanted.
    """

    __slots__ = ("expects", "headers", "target")

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin with the next request."""
        self.target = b""
        self.headers: list[Header] = []
        self.expects = False

    def on_url(self, part: bytes) -> None:
        """Take in a part of the target."""
        self.target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take in a header."""
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expects = True
        self.headers.append((name, value))

    def without_offer(self, method: bytes, version: bytes) -> bytes:
        """Give the head as it would have come in without an offer to change to another protocol."""
        others = [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join((b"%b %b HTTP/%b" % (method, self.target, version), *others, b"", b""))

    def scope(self, method: bytes, version: str, scheme: str, server: Address, client: Address) -> Scope:
        """Give the head as a scope. Headers that come later, which are trailers, get into none."""
        path, raw_path, query = _parse_target(self.target)
        headers, self.headers = self.headers, []
        return {
            "type": "http",
            "asgi": _ASGI,
            "http_version": version,
            "server": server,
            "client": client,
            "scheme": scheme,
            "method": method.decode("ascii"),
            "root_path": "",
            "path": path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": headers,
        }


@lru_cache(TARGETS)
def _parse_target(target: bytes) -> tuple[str, bytes, bytes]:
    """Take a target apart: the path, the path as it was sent, and the query."""
    parsed = httptools.parse_url(target)
    return unquote(parsed.path.decode("ascii")), parsed.path, parsed.query or b""


@lru_cache(TARGETS)
def lines(*headers: Header) -> bytes:
    """Write headers as they are sent. Remembered: all answers of a second have the same date."""
    return b"".join(b"%b: %b\r\n" % header for header in headers)
