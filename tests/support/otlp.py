"""A receiver of OpenTelemetry's spans, by OTLP over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue


class Span(NamedTuple):
    """A span as it was received."""

    name: str
    kind: int
    trace: str
    id: str
    parent: str
    failed: bool
    attributes: dict[str, Any]
    resource: dict[str, Any]


class Collector:
    """Receives spans.

    Attributes:
        spans: All that have come in.
        url: Where they are sent.
    """

    def __init__(self, port: int) -> None:
        self.spans: list[Span] = []
        self.url = f"http://127.0.0.1:{port}"

    def take(self, path: str, body: bytes) -> None:
        """Take in what was sent."""
        assert path == "/v1/traces"
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            about = _values(resource.resource.attributes)
            for scope in resource.scope_spans:
                for span in scope.spans:
                    ids = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
                    failed = span.status.code == span.status.STATUS_CODE_ERROR
                    self.spans.append(Span(span.name, span.kind, *ids, failed, _values(span.attributes), about))


def _values(attributes: Any) -> dict[str, Any]:  # noqa: ANN401 - protobuf's container
    return {attribute.key: _value(attribute) for attribute in attributes}


def _value(attribute: KeyValue) -> object:
    return getattr(attribute.value, str(attribute.value.WhichOneof("value")))


@contextmanager
def collecting() -> Iterator[Collector]:
    """Receive spans while the body runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.take(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(server.server_port)
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()
