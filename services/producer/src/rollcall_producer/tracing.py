"""Spans of OpenTelemetry for requests that write. Needs the extra `rollcall-producer[otel]`, and nobody else does.

An endpoint behind this finds the span's context where else it finds its caller's, in the header `traceparent`, and so
writes that into the record. Where spans go, and which, is said by OpenTelemetry's own variables, `OTEL_…`.
"""

import asyncio
import threading
from collections.abc import Mapping
from http import HTTPStatus
from importlib.metadata import version

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rollcall_producer.traffic import PUT_ROUTE

LAST = 2.0
"""Seconds in which the last spans leave."""

_NAME = "rollcall-producer"
_TRACED = {("PUT", PUT_ROUTE), ("POST", "/Record/Updates")}
_CONTEXT = (b"traceparent", b"tracestate")
_propagator = TraceContextTextMapPropagator()


class Tracing:
    """Makes spans, and sends them.

    Args:
        topic: The full name of the topic that is written to.
    """

    def __init__(self, topic: str) -> None:
        resource = Resource.create({"service.name": _NAME, "service.version": version(_NAME)})
        resource = resource.merge(OTELResourceDetector().detect())  # what an operator calls it goes first
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer(_NAME, version(_NAME))
        self._topic = topic

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """Give each request to an application that writes a span of its own."""

        async def traced(scope: Scope, receive: Receive, send: Send) -> None:
            if (scope["method"], scope["path"]) in _TRACED:
                await self._trace(app, scope, receive, send)
            else:
                await app(scope, receive, send)

        return traced

    async def _trace(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        given = {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in _CONTEXT}
        span = self._tracer.start_span(
            f"{scope['method']} {scope['path']}",
            context=_propagator.extract(given),
            kind=SpanKind.SERVER,
            attributes=self._describe(scope),
        )

        async def observe(message: Message) -> None:
            if message["type"] == "http.response.start":
                _describe_answer(span, message["status"], dict(message["headers"]))
            await send(message)

        inner = {**scope, "headers": _in_context(span, scope["headers"])}
        try:
            await app(inner, receive, observe)
        finally:
            if "accepted" in inner:
                span.set_attribute("messaging.batch.message_count", inner["accepted"])
            span.end()

    def _describe(self, scope: Scope) -> dict[str, AttributeValue]:
        """Tell what is known before there is an answer, by OpenTelemetry's semantic conventions."""
        headers = dict(scope["headers"])
        known = {
            "http.request.method": scope["method"],
            "http.route": scope["path"],
            "url.path": scope["path"],
            "url.scheme": scope["scheme"],
            "network.protocol.version": scope["http_version"],
            "server.address": scope["server"][0] if scope["server"] else "",
            "server.port": scope["server"][1] if scope["server"] else None,
            "user_agent.original": headers.get(b"user-agent", b"").decode("latin-1"),
            "client.address": scope["client"][0] if scope["client"] else "",
            "messaging.system": "kafka",
            "messaging.destination.name": self._topic,
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
        }
        return {name: value for name, value in known.items() if value}

    async def close(self) -> None:
        """Send the last spans, as far as that goes in time."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        await asyncio.to_thread(closing.join, LAST)


def _in_context(span: Span, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Put the context of a span in place of its parent's."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, set_span_in_context(span))
    others = [header for header in headers if header[0] not in _CONTEXT]
    return [*others, *((name.encode(), value.encode()) for name, value in carrier.items())]


def _describe_answer(span: Span, status: int, headers: Mapping[bytes, bytes]) -> None:
    span.set_attribute("http.response.status_code", status)
    if b"x-rollcall-id" in headers:
        span.set_attribute("messaging.message.id", headers[b"x-rollcall-id"].decode())
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        span.set_attribute("error.type", str(status))
        span.set_status(StatusCode.ERROR)
