"""Clients that mean harm, or act as if they did, over raw sockets: each is bounded, and others are served."""

import asyncio
import resource
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import httpx
import msgspec
import pytest

from rollcall_producer.connections import DEFAULT_LIMITS, SURPLUS, Limits
from rollcall_producer.protocol import HEAD_LIMIT
from support import impatient
from support.certificates import issue
from support.load import put as put_update
from support.raw import Connection, connect, get, put
from support.services import Environment, Service, executing, producer

GOOD = put(b'{"StudentId":"s-1","State":"LoggedIn"}')
START = b"PUT /Record/Update HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = START + b"Transfer-Encoding: chunked\r\n\r\n"
SHORT = Limits(head=0.3, body=0.3, answer=0.3, idle=0.3, linger=0.3, sweep=0.02)
MIB = 1024 * 1024
MODULE = "rollcall_producer.__main__"
TOO_FEW = "Fewer connections than set, for want of file descriptors"


@asynccontextmanager
async def served(
    environment: Environment, limits: Limits = DEFAULT_LIMITS, **settings: object
) -> AsyncIterator[Service]:
    """Run a producer that must serve a good client before the test, beside it, and after it."""
    arguments = (impatient.__file__, msgspec.json.encode(limits).decode())
    async with executing(*arguments, **environment.variables(**settings)) as service:
        await service.ready()
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
            good = asyncio.create_task(_update(client))
            try:
                yield service
                assert not good.done(), good
            finally:
                good.cancel()
            assert (await put_update(client, "afterwards")).status_code == 200
        assert not [event for event in service.events if event.get("level") == "error"]


async def _update(client: httpx.AsyncClient) -> None:
    while True:
        assert (await put_update(client, "beside")).status_code == 200
        await asyncio.sleep(0.01)


async def memory(service: Service) -> float:
    """Tell how much memory it uses, in MiB."""
    return await metric(service, "process_resident_memory_bytes") / MIB


async def metric(service: Service, name: str) -> float:
    async with httpx.AsyncClient() as client:
        lines = (await client.get(f"{service.url}/metrics")).text.splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])


HEADS = {
    "a header": START + b"X: " + b"x" * HEAD_LIMIT,
    "a header's name": START + b"x" * HEAD_LIMIT,
    "many headers": START + b"X: x\r\n" * (HEAD_LIMIT // 6),
    "a URL": b"GET /" + b"x" * HEAD_LIMIT,
    "a method": b"GET" + b" " * HEAD_LIMIT,
    "a head that is complete": START + b"X: " + b"x" * HEAD_LIMIT + b"\r\nContent-Length: 2\r\n\r\n{}",
    "the second head": GOOD + START + b"X: " + b"x" * 2 * HEAD_LIMIT,
    "trailers": CHUNKED + b"0\r\n" + b"X: x\r\n" * (HEAD_LIMIT // 3),
    "an extension of a chunk": CHUNKED + b"1;x=" + b"x" * 2 * HEAD_LIMIT,
}


async def test_a_head_that_is_too_large_is_refused_in_whatever_pieces_it_comes(environment: Environment) -> None:
    async with served(environment) as service:
        for name, head in HEADS.items():
            for size in (len(head), 1400, 1):
                async with connect(service.url) as connection:
                    sending = asyncio.create_task(connection.send_slowly(head, size))
                    if head.startswith(GOOD):
                        assert (await connection.answer()).status == 200
                    answer = await connection.answer()
                    assert (answer.status, answer.kind) == (431, "headers-too-large"), (name, size)
                    assert str(HEAD_LIMIT) in answer.problem["detail"]
                    assert await connection.end() == b""
                    await sending


async def test_a_head_that_is_just_not_too_large_is_taken(environment: Environment) -> None:
    body = GOOD.partition(b"\r\n\r\n")[2]
    rest = b"\r\nContent-Length: %d\r\n\r\n" % len(body)
    head = START + b"X: " + b"x" * (HEAD_LIMIT - len(START + b"X: " + rest)) + rest
    assert len(head) == HEAD_LIMIT
    async with served(environment) as service, connect(service.url) as connection:
        for size in (len(head + body), 1400, 1):
            sending = asyncio.create_task(connection.send_slowly(head + body, size))
            assert (await connection.answer()).status == 200
            await sending


async def test_memory_does_not_grow_with_what_is_sent(environment: Environment) -> None:
    floods = {
        "headers": START + b"X-Header: x\r\n" * (100 * MIB // 13),
        "one header": START + b"X: " + b"x" * 100 * MIB,
        "a URL": b"GET /" + b"x" * 100 * MIB,
        "trailers": CHUNKED + b"0\r\n" + b"X-Header: x\r\n" * (100 * MIB // 13),
        "a body": put(b" " * 100 * MIB),
        "nothing": b"\r\n" * (50 * MIB),
    }
    async with served(environment) as service:
        before = await memory(service)
        for name, flood in floods.items():
            async with connect(service.url) as connection:
                await connection.send_slowly(flood, MIB)
            assert await memory(service) - before < 10, name


async def test_requests_that_are_sent_all_at_once_are_held_back_and_answered(environment: Environment) -> None:
    requests = 30_000
    async with served(environment) as service:
        before = await memory(service)
        async with connect(service.url, receive_buffer=50_000) as connection, asyncio.TaskGroup() as tasks:
            tasks.create_task(connection.send(get("/livez") * requests))
            assert max([await memory(service) for _ in range(100)]) - before < 10
            for number in range(requests):
                assert (await connection.answer()).status == 200
                assert number % 10_000 or await memory(service) - before < 10


async def test_a_client_that_does_not_get_on_with_its_request_is_told_and_left(environment: Environment) -> None:
    cases = {
        "nothing": b"",
        "half a line": b"PUT /Rec",
        "half a head": START,
        "lines of nothing": b"\r\n" * 10_000,
        "no body": START + b"Content-Length: 10\r\n\r\n",
        "half a body": GOOD[:-5],
        "half a chunk": CHUNKED + b"a\r\n{",
        "an endless head": START + b"X: y\r\n" * 5_000,
        "an endless body": put(b" " * 10_000),
        "a second request": GOOD + START,
        "a second body": GOOD + GOOD[:-5],
    }

    async def fare(service: Service, request: bytes) -> tuple[int, str]:
        async with connect(service.url) as connection:
            begun = request.startswith(GOOD)
            endless = len(request) > 4096
            sending = asyncio.create_task(connection.send_slowly(request, 1 if endless else 4096, 0.1))
            if begun:
                assert (await connection.answer()).status == 200
            answer = await connection.answer()
            assert answer.headers["connection"] == "close"
            assert await connection.end() == b""
            await sending
            return answer.status, answer.kind

    async with served(environment, SHORT) as service:
        fares = await asyncio.gather(*(fare(service, request) for request in cases.values()))
    assert dict(zip(cases, fares, strict=True)) == dict.fromkeys(cases, (408, "request-timeout"))


async def test_a_body_that_comes_steadily_is_taken(environment: Environment) -> None:
    async with served(environment, SHORT) as service, connect(service.url) as connection:
        body = b" " * 3_000 + b'{"StudentId":"s-1","State":"LoggedIn"}'
        sending = asyncio.create_task(connection.send_slowly(put(body), 20, 0.003))
        assert (await connection.answer()).status == 200
        await sending


async def test_a_client_that_takes_no_answers_is_cut_off(environment: Environment) -> None:
    async with served(environment, SHORT) as service, connect(service.url, receive_buffer=50_000) as connection:
        sending = asyncio.create_task(connection.send_slowly(get("/metrics") * 10_000, MIB))
        while await metric(service, "rollcall_unread_answers_total") < 1:  # noqa: ASYNC110 - can only be asked
            await asyncio.sleep(0.02)
        await connection.reset()
        await sending


async def test_a_connection_too_many_is_told_so(environment: Environment) -> None:
    async with served(environment, connections=8) as service, AsyncExitStack() as stack:
        first, *_ = [await _opened(stack, service) for _ in range(7)]  # the eighth is the good client's
        for request in (GOOD, put(b" " * 10 * MIB), get("/nothing")):
            async with connect(service.url) as surplus:
                await surplus.send(request)
                answer = await surplus.answer()
                assert (answer.status, answer.kind) == (503, "too-many-connections")
                assert answer.problem["outcome"] == "not-written"
                assert (answer.headers["retry-after"], answer.headers["connection"]) == ("1", "close")
                assert await surplus.end() == b""
        for path in ("/livez", "/readyz", "/metrics"):
            async with connect(service.url) as surplus:
                answer = await surplus.ask(get(path) * 2)
                assert (answer.status, answer.headers["connection"]) == (200, "close")
                assert await surplus.end() == b""
        oldest, *_ = [await stack.enter_async_context(connect(service.url)) for _ in range(SURPLUS + 1)]
        with suppress(ConnectionError):
            assert await oldest.receive(1) == b""  # it had to go for the latest
        async with connect(service.url) as surplus:
            assert (await surplus.ask(get("/livez"))).status == 200
        assert (await first.ask(GOOD)).status == 200


async def _opened(stack: AsyncExitStack, service: Service) -> Connection:
    connection = await stack.enter_async_context(connect(service.url))
    assert (await connection.ask(GOOD)).status == 200
    return connection


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux")
async def test_it_serves_on_after_file_descriptors_have_run_out(environment: Environment) -> None:
    async with served(environment) as service, AsyncExitStack() as stack:
        limits = resource.prlimit(service.pid, resource.RLIMIT_NOFILE)
        scarce = await metric(service, "process_open_fds") + 10
        resource.prlimit(service.pid, resource.RLIMIT_NOFILE, (int(scarce), limits[1]))
        connections = [await stack.enter_async_context(connect(service.url)) for _ in range(50)]
        assert (await connections[0].ask(GOOD)).status == 200
        with suppress(ConnectionError):
            assert await connections[-1].receive(1) == b""
        resource.prlimit(service.pid, resource.RLIMIT_NOFILE, limits)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux")
async def test_it_takes_the_file_descriptors_that_its_connections_need(environment: Environment) -> None:
    start = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({}, {})); from {} import main; main()"
    async with executing("-c", start.format(300, 900, MODULE), **environment.variables(connections=500)) as service:
        await service.ready()
        assert resource.prlimit(service.pid, resource.RLIMIT_NOFILE)[0] > 500
        assert not [event for event in service.events if event.get("level") == "warning"]
    async with executing("-c", start.format(300, 500, MODULE), **environment.variables()) as service:
        await service.ready()
        (warning,) = [event for event in service.events if event.get("level") == "warning"]
        assert (warning["event"], warning["set"], warning["limit"]) == (TOO_FEW, 4096, 500)
        assert 0 < warning["connections"] < 500


async def test_over_https_as_well_an_answer_reaches_a_client_that_is_still_sending(
    environment: Environment, tmp_path: Path
) -> None:
    issued = issue(tmp_path)
    settings = {"tls_certificate_file": issued.file, "tls_key_file": issued.key}
    async with producer(environment, **settings) as service:
        await service.ready(issued.trust)
        for request, kind in (
            (put(b" " * MIB), "body-too-large"),
            (b"GET / HTTP/1.1\r\nX: " + b"x" * MIB, "headers-too-large"),
            (b"nonsense\r\n\r\n" + b"x" * MIB, "malformed-request"),
        ):
            async with connect(service.url, trust=issued.trust) as client:
                client.write(request)
                assert (await client.answer()).kind == kind
        async with connect(service.url, trust=issued.trust) as client:
            assert (await client.ask(GOOD)).status == 200
        await service.end()
    assert not [event for event in service.events if event.get("level") in ("warning", "error")]
