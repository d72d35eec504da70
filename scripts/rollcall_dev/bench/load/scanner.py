"""Answers in what a connection receives: as much of HTTP as a server under test speaks, and no more."""

from typing import NamedTuple

from rollcall_dev.bench.errors import BenchError

_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"
_STATUS = slice(9, 12)
_NOT_MODIFIED = b"304"
_CLOSE = b"\r\nconnection: close"


class Answer(NamedTuple):
    """An answer.

    Attributes:
        status: Its status.
        body: Its body.
        last: Whether the server closes the connection after it.
    """

    status: int
    body: bytes
    last: bool


class Scanner:
    """Finds the answer on a connection with one request on its way at any time."""

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        self._begun = b""

    def feed(self, data: bytes) -> Answer | None:
        """Take in what has come.

        Returns:
            The answer once it is complete, and before that None.

        Raises:
            BenchError: This is no answer with a known length, or more than one.
        """
        if self._begun:
            data = self._begun + data
        end = data.find(_END)
        if end < 0:
            self._begun = data
            return None
        head = data[:end].lower()
        size = end + len(_END) + (0 if head[_STATUS] == _NOT_MODIFIED else _content_length(head))
        if len(data) < size:
            self._begun = data
            return None
        if len(data) > size:
            raise BenchError(f"more was received than an answer: {data[size : size + 100]!r}")
        self._begun = b""
        return Answer(int(data[_STATUS]), data[end + len(_END) :], _CLOSE in head)


def _content_length(head: bytes) -> int:
    begin = head.find(_LENGTH)
    if begin < 0:
        raise BenchError(f"an answer without a content-length was received: {head!r}")
    begin += len(_LENGTH)
    end = head.find(b"\r", begin)
    return int(head[begin:] if end < 0 else head[begin:end])
