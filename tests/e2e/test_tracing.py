import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest

from support.load import put
from support.log import read_all
from support.otlp import Span, collecting
from support.services import Environment, Service, running

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
SERVER = 2


def traced(environment: Environment, endpoint: str, **otel: str) -> AbstractAsyncContextManager[Service]:
    """Run a producer that makes spans; it sends them at its end, or when they are many."""
    variables = environment.variables(otel="true", deadline_seconds=1)
    return running(
        "rollcall_producer", **variables, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_BSP_SCHEDULE_DELAY="60000", **otel
    )


async def parents(environment: Environment) -> list[str]:
    """List trace and span that all records name as theirs."""
    records = await read_all(environment.servers, environment.student)
    return [value.decode()[:-3] for record in records for name, value in record.headers if name == "traceparent"]


def context(span: Span) -> str:
    return f"00-{span.trace}-{span.id}"


async def test_a_put_is_a_span_of_its_caller_s_trace_and_the_record_is_the_span_s(environment: Environment) -> None:
    with collecting() as collector:
        async with traced(environment, collector.url) as service:
            await service.ready()
            headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
            async with httpx.AsyncClient(base_url=service.url, headers=headers, timeout=30) as client:
                answer = await put(client, "s-1")
            assert await service.end() == 0
    (span,) = collector.spans
    assert (span.name, span.kind, span.failed) == ("PUT /Record/Update", SERVER, False)
    assert (span.trace, span.parent) == (TRACE, PARENT)
    assert await parents(environment) == [context(span)]
    assert span.resource["service.name"] == "rollcall-producer"
    assert (
        span.attributes.items()
        >= {
            "http.request.method": "PUT",
            "http.route": "/Record/Update",
            "http.response.status_code": 200,
            "url.scheme": "http",
            "client.address": "127.0.0.1",
            "server.port": httpx.URL(service.url).port,
            "messaging.system": "kafka",
            "messaging.operation.type": "send",
            "messaging.destination.name": environment.student,
            "messaging.message.id": answer.headers["x-rollcall-id"],
        }.items()
    )


async def test_requests_without_a_trace_begin_one_and_failures_are_told(environment: Environment) -> None:
    with collecting() as collector:
        async with traced(environment, collector.url, OTEL_SERVICE_NAME="school") as service:
            await service.ready()
            async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
                lines = b'{"StudentId":"s-1","State":"LoggedIn"}\n{"StudentId":"s-2","State":"LoggedIn"}\n{}\n'
                await client.post("/Record/Updates", content=lines, headers={"Content-Type": "application/x-ndjson"})
                await put(client, "")
                await client.get("/missing")
            assert await service.end() == 0
        async with traced(Environment("127.0.0.1:1", ""), collector.url) as service:
            await service.event(lambda event: event["event"] == "Serving HTTP")
            async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
                assert (await put(client, "s-1")).status_code == 503
            assert await service.end() == 0
    upload, refused, failed = collector.spans
    assert (upload.name, upload.parent, upload.failed) == ("POST /Record/Updates", "", False)
    assert upload.attributes["http.response.status_code"] == 207
    assert upload.attributes["messaging.batch.message_count"] == 2
    assert upload.resource["service.name"] == "school"
    assert await parents(environment) == [context(upload)] * 2
    assert (refused.attributes["http.response.status_code"], refused.failed) == (422, False)
    assert (failed.attributes["http.response.status_code"], failed.failed) == (503, True)
    assert failed.attributes["error.type"] == "503"


async def test_a_trace_that_is_not_sampled_is_carried_on_and_not_sent(environment: Environment) -> None:
    with collecting() as collector:
        async with traced(environment, collector.url) as service:
            await service.ready()
            headers = {"traceparent": f"00-{TRACE}-{PARENT}-00"}
            async with httpx.AsyncClient(base_url=service.url, headers=headers, timeout=30) as client:
                await put(client, "s-1")
            assert await service.end() == 0
    (record,) = await read_all(environment.servers, environment.student)
    carried = dict(record.headers)["traceparent"].decode()
    assert carried.startswith(f"00-{TRACE}-")
    assert carried.endswith("-00")
    assert collector.spans == []


async def test_requests_and_the_end_do_not_wait_for_who_receives_spans(environment: Environment) -> None:
    async with traced(environment, "http://127.0.0.1:1") as service:
        await service.ready()
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
            assert (await put(client, "s-1")).status_code == 200
        async with asyncio.timeout(10):
            assert await service.end() == 0


@pytest.mark.parametrize("workers", [1, 2])
async def test_says_which_extra_is_missing(environment: Environment, tmp_path: Path, workers: int) -> None:
    (tmp_path / "opentelemetry.py").touch()  # in place of the packages
    variables = environment.variables(otel="true", workers=workers)
    async with running("rollcall_producer", **variables, PYTHONPATH=str(tmp_path)) as service:
        assert await service.end(None) == 78
    (event,) = service.events
    assert event["event"].startswith(
        "ROLLCALL_OTEL: needs the extra rollcall-producer[otel]: there is no opentelemetry"
    )
