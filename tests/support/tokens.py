"""An OAuth 2 token endpoint, and tokens that Kafka's validator for development takes."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


def unsecured_token(user: str, seconds: float = 600) -> str:
    """Make a token without a signature, for a user and a number of seconds from now."""
    now = time.time()
    parts = {"alg": "none"}, {"sub": user, "iat": now - 3600, "exp": now + seconds}
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


class TokenRequest(NamedTuple):
    """What a client has asked with."""

    authorization: str
    form: str


class TokenAnswer(NamedTuple):
    """What a client is answered."""

    body: bytes
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


Endpoint = tuple[str, list[TokenRequest]]
"""Its URL, and all that it was asked so far."""


@contextmanager
def token_endpoint(answer: Callable[[], TokenAnswer]) -> Iterator[Endpoint]:
    """Serve a token endpoint while the body runs."""
    requests: list[TokenRequest] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            requests.append(TokenRequest(self.headers["Authorization"], form))
            body, status, headers = answer()
            self.send_response(status)
            for name, value in (*headers, ("Content-Length", str(len(body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:  # noqa: ANN401 - it says nothing
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/token", requests
        finally:
            server.shutdown()
            thread.join()
