"""HTTP that can't be parsed: answered as a problem, like every other fault."""

from http import HTTPStatus

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from rollcall_producer import metrics
from rollcall_producer.problems import document


class ProblemProtocol(HttpToolsProtocol):
    """uvicorn's protocol, but for its answer to what is not HTTP."""

    def send_400_response(self, msg: str) -> None:
        """Answer 400 as a problem document, and hang up."""
        metrics.problems.labels(HTTPStatus.BAD_REQUEST.value, "malformed-request").inc()
        body = msgspec.json.encode(document(HTTPStatus.BAD_REQUEST, "malformed-request", msg))
        head = (
            "HTTP/1.1 400 Bad Request\r\n"
            "content-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\n"
            "connection: close\r\n"
            "\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
