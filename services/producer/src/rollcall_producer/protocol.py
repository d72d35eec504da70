"""HTTP as it comes in: what can't be parsed is answered as a problem, and what others trip over is put right."""

import re
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from rollcall_producer.problems import Problem

_UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)
_NO_UPGRADE = b"\r\nignored:"


class ProblemProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with three differences."""

    def data_received(self, data: bytes) -> None:
        """Read on, past any offer to change to another protocol.

        The parser would end at such an offer and lose the body behind it. Java's own HTTP client makes it with every
        first request. The header's name is changed for one of the same length that means nothing.
        """
        if b"pgrade" in data or b"PGRADE" in data:
            data = _UPGRADE.sub(_NO_UPGRADE, data)
        super().data_received(data)

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio's own signature, which uvicorn narrows
        """Keep the connection until its request is answered: a caller may be done with sending before that."""
        return self._is_answering()

    def send_400_response(self, msg: str) -> None:
        """Answer 400 as a problem document, and hang up; but not before an earlier request is answered."""
        if self._is_answering():
            self.cycle.keep_alive = False
            self.flow.pause_reading()
            return
        body = Problem(HTTPStatus.BAD_REQUEST, "malformed-request", msg).response().body
        head = (
            "HTTP/1.1 400 Bad Request\r\n"
            "content-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\n"
            "connection: close\r\n"
            "\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete and not cycle.more_body
