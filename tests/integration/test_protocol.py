"""The protocol under applications that read and write as no route does yet, on the loop that services run on."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import uvloop
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from rollcall_domain.service.server import HttpOptions, serving
from rollcall_producer import metrics
from rollcall_producer.connections import Connections, Limits
from rollcall_producer.exchange import Exchange
from rollcall_producer.protocol import ProblemProtocol
from rollcall_producer.settings import ProducerSettings
from support.raw import connect, get, put
from support.services import PATIENCE

LIMITS = Limits(head=0.3, body=0.3, body_rate=1000, answer=0.3, idle=0.3, linger=0.3, sweep=0.02)
SHOWER = 12_000_000
SMALL = 50_000
CHUNKED = b"POST /chunks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"


def on_uvloop(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a test on the loop that services run on."""

    async def limited() -> None:
        async with asyncio.timeout(PATIENCE):
            await test()

    def run() -> None:
        uvloop.run(limited())

    return run


@asynccontextmanager
async def served(app: ASGIApp, limits: Limits = LIMITS, proxies: Sequence[str] = ()) -> AsyncIterator[str]:
    connections = Connections(100, limits)
    settings = ProducerSettings(port=0)
    async with asyncio.TaskGroup() as tasks:
        watch = tasks.create_task(connections.watch())
        http = HttpOptions(partial(ProblemProtocol, connections), proxies)
        async with serving(app, settings, grace=1, http=http) as url:
            yield url
        watch.cancel()


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    assert b"trailer" not in dict(scope["headers"])
    await PlainTextResponse(f"{scope['method']} {scope['path']} ".encode() + body)(scope, receive, send)


async def shower(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(b"x" * SHOWER)(scope, receive, send)


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("no", 403, {"Connection": "close"})(scope, receive, send)


@on_uvloop
async def test_requests_are_read_alike_however_they_are_cut() -> None:
    large = b"x" * 5_000
    offer = put(b"after an offer", headers=UPGRADE, path=b"/offer")
    chunks = CHUNKED + b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n"
    stream = put(b"one", path=b"/1") + offer + chunks + put(large, path=b"/2") + b"\r\n" + offer + get("/end")
    answers = [b"PUT /1 one", b"PUT /offer after an offer", b"POST /chunks abcde", b"PUT /2 " + large]
    answers += [b"PUT /offer after an offer", b"GET /end "]
    async with served(echo, Limits()) as url:
        for size in (*range(1, 40), 100, 1000, 4096, 4097, len(stream)):
            async with connect(url) as connection, asyncio.TaskGroup() as tasks:
                tasks.create_task(connection.send_slowly(stream, size))
                assert [(await connection.answer()).body for _ in answers] == answers, size


@on_uvloop
async def test_time_in_which_the_server_reads_nothing_is_not_counted() -> None:
    reading = asyncio.Event()

    async def reluctant(scope: Scope, receive: Receive, send: Send) -> None:
        await reading.wait()
        await echo(scope, receive, send)

    async with served(reluctant) as url, connect(url) as connection:
        sending = asyncio.create_task(connection.send(put(b" " * 4_000_000)))
        await asyncio.sleep(4 * LIMITS.body)  # is what this is about
        reading.set()
        assert (await connection.answer()).status == 200
        await sending


@on_uvloop
async def test_a_body_may_take_for_ever_if_it_comes_fast_enough() -> None:
    async with served(echo) as url, connect(url) as connection:
        body = b"x" * 20_000
        await connection.send_slowly(put(body), 200, 0.03 * LIMITS.body)
        assert (await connection.answer()).body == b"PUT /Record/Update " + body


@on_uvloop
async def test_a_body_that_stops_is_not_saved_by_what_came_before() -> None:
    async with served(echo) as url, connect(url) as connection:
        await connection.send(put(b"x" * 20_000, length=20_001))
        assert (await connection.answer()).kind == "request-timeout"
        assert await connection.end() == b""


@on_uvloop
async def test_a_body_that_comes_too_slowly_ends_the_application_as_well() -> None:
    seen = asyncio.get_running_loop().create_future()

    async def wait(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await echo(scope, receive, send)
        except ClientDisconnect as error:
            seen.set_result(error)

    async with served(wait) as url, connect(url) as connection:
        await connection.send(put(b"half", length=8))
        assert (await connection.answer()).kind == "request-timeout"
        assert await connection.end() == b""
        await seen


@on_uvloop
async def test_an_answer_that_has_begun_is_broken_off_when_the_body_comes_too_slowly() -> None:
    async def begin(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        with suppress(ClientDisconnect):
            await Request(scope, receive).body()

    async with served(begin) as url, connect(url) as connection:
        await connection.send(put(b"half", length=8))
        assert (await connection.end()).endswith(b"\r\n\r\nbegun")


@on_uvloop
async def test_an_answer_reaches_a_client_that_is_still_sending() -> None:
    async with served(refuse, Limits()) as url, connect(url) as connection:
        await connection.send(put(b" " * 20_000_000))
        answer = await connection.answer()
        assert (answer.status, answer.headers["connection"]) == (403, "close")
        assert await connection.end() == b""


@on_uvloop
async def test_a_client_that_goes_on_sending_after_its_answer_is_cut_off() -> None:
    async with served(refuse) as url, connect(url) as connection:
        await connection.send(put(b"", length=10**12))
        assert (await connection.answer()).status == 403
        with suppress(ConnectionError):
            while True:
                await connection.send(b" " * 10**6)


@on_uvloop
async def test_what_is_left_of_a_body_does_not_harm_the_next_request() -> None:
    async def greet(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(scope["path"])(scope, receive, send)

    async with served(greet) as url, connect(url) as connection:
        assert (await connection.ask(put(b" " * 10, length=300_000))).status == 200
        await connection.send(b" " * 299_990)
        assert (await connection.ask(get("/next"))).body == b"/next"
        await connection.send(put(b" ", length=2))
        assert (await connection.answer()).status == 200
        assert await connection.end() == b""  # too slow, but answered


@on_uvloop
async def test_a_fault_behind_requests_in_hand_waits_for_their_answers() -> None:
    async with served(echo, Limits()) as url:
        async with connect(url) as connection:
            await connection.send(put(b"a") + put(b"b") + CHUNKED + b"nonsense")
            assert [(await connection.answer()).body[-1:] for _ in "ab"] == [b"a", b"b"]
            assert (await connection.answer()).kind == "malformed-request"
            assert await connection.end() == b""
        async with connect(url) as connection:
            await connection.send(put(b"a") + put(b"b") + b"nonsense")
            assert [(await connection.answer()).body[-1:] for _ in "ab"] == [b"a", b"b"]
            assert (await connection.answer()).kind == "malformed-request"
            assert await connection.end() == b""


@on_uvloop
async def test_requests_are_answered_though_nothing_more_is_to_come() -> None:
    async with served(echo, Limits()) as url:
        for rest in (b"", put(b"c", length=2)):
            async with connect(url) as connection:
                await connection.send(put(b"a") + put(b"b") + rest)
                connection.finish()
                assert [(await connection.answer()).body[-1:] for _ in "ab"] == [b"a", b"b"]
                assert await connection.end() == b""


@on_uvloop
async def test_an_answer_that_is_not_taken_is_cut_off() -> None:
    def cut() -> float | None:
        return metrics.registry.get_sample_value("rollcall_unread_answers_total")

    async with served(shower) as url, connect(url, receive_buffer=SMALL) as connection:
        before = cut()
        await connection.send(get("/"))
        while cut() == before:  # noqa: ASYNC110 - can only be asked
            await asyncio.sleep(LIMITS.sweep)
        with suppress(ConnectionError):
            assert len(await connection.end()) < SHOWER


@on_uvloop
async def test_an_answer_that_is_taken_slowly_is_not_cut_off() -> None:
    async with served(shower) as url, connect(url, receive_buffer=SMALL) as connection:
        await connection.send(get("/"))
        size = 0
        while size < SHOWER:
            size += len(await connection.receive(SMALL))
            await asyncio.sleep(0.02 * LIMITS.answer)
        assert b"\r\n0\r\n\r\n" not in await connection.receive(SMALL)


@on_uvloop
async def test_an_idle_connection_is_closed_without_a_word() -> None:
    async with served(echo) as url, connect(url) as connection:
        assert (await connection.ask(get("/"))).status == 200
        assert await connection.end() == b""


@on_uvloop
async def test_a_tunnel_is_not_opened() -> None:
    async with served(echo, Limits()) as url, connect(url) as connection:
        assert (await connection.ask(b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n" + get("/"))).headers[
            "connection"
        ] == "close"
        assert await connection.end() == b""


@on_uvloop
async def test_only_proxies_that_are_trusted_are_believed_whom_they_speak_for() -> None:
    async def who(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(f"{scope['scheme']} {scope['client'][0]}")(scope, receive, send)

    request = get("/").replace(b"Host", b"X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nHost")
    for proxies, believed in {
        (): b"http 127.0.0.1",
        ("10.0.0.0/8",): b"http 127.0.0.1",
        ("10.0.0.0/8", "127.0.0.1"): b"https 192.0.2.1",
    }.items():
        async with served(who, proxies=proxies) as url, connect(url) as connection:
            assert (await connection.ask(request)).body == believed


async def _begin(send: Send, *headers: tuple[bytes, bytes]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [*headers]})


async def _go_on(send: Send, body: bytes, *, more: bool = False) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def faulty(scope: Scope, _: Receive, send: Send) -> None:
    """Answer in a way that no application may."""
    match scope["path"]:
        case "/early":
            raise ArithmeticError
        case "/silent":
            return
        case "/split":
            await _begin(send, (b"x-split", b"a\r\nx-smuggled: b"))
        case "/midway":
            await _begin(send)
            await _go_on(send, b"begun", more=True)
            raise ArithmeticError
        case "/short":
            await _begin(send, (b"content-length", b"10"))
            await _go_on(send, b"short")
        case "/long":
            await _begin(send, (b"content-length", b"2"))
            await _go_on(send, b"long")


@on_uvloop
async def test_an_application_that_fails_is_no_answer() -> None:
    async with served(faulty, Limits()) as url:
        for path in ("/early", "/silent", "/split"):
            async with connect(url) as connection:
                answer = await connection.ask(get(path))
                assert (answer.status, answer.headers["connection"]) == (500, "close"), path
                assert "x-smuggled" not in answer.headers
                assert await connection.end() == b""
        for path, end in {"/midway": b"5\r\nbegun\r\n", "/short": b"\r\n\r\n", "/long": b"\r\n\r\n"}.items():
            async with connect(url) as connection:
                await connection.send(get(path))
                assert (await connection.end()).endswith(end), path


@on_uvloop
async def test_a_stream_that_ends_before_its_request_ends_the_connection() -> None:
    async def give_up(_: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await _begin(send)
        await _go_on(send, b"that's all")

    async with served(give_up, Limits(body=300, idle=300)) as url:
        async with connect(url) as connection:
            await connection.send(put(b"begun", length=100))
            assert (await connection.end()).endswith(b"0\r\n\r\n")
        async with connect(url) as connection:
            await connection.send(put(b"whole") + put(b"whole"))
            connection.finish()
            assert (await connection.end()).count(b"HTTP/1.1 200 OK") == 2


@on_uvloop
async def test_an_answer_is_as_long_as_its_request_may_have_it() -> None:
    async with served(echo, Limits()) as url:
        async with connect(url) as connection:
            await connection.send(get("/").replace(b"GET", b"HEAD", 1) + get("/next"))
            connection.finish()
            head, _, rest = (await connection.end()).partition(b"\r\n\r\n")
            assert b"content-length: 7" in head
            assert rest.startswith(b"HTTP/1.1 200 OK")
            assert rest.endswith(b"GET /next ")
        async with connect(url) as connection:
            await connection.send(b"GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert (await connection.end()).endswith(b"connection: close\r\n\r\nGET /old ")


@on_uvloop
async def test_a_connection_that_is_over_leaves_nothing_for_the_garbage_collector() -> None:
    def left() -> int:
        return sum(isinstance(thing, ProblemProtocol | Exchange) for thing in gc.get_objects())

    async with served(echo, Limits()) as url:
        gc.collect()
        gc.disable()
        try:
            for _ in range(20):
                async with connect(url) as connection:
                    assert (await connection.ask(put(b"body"))).status == 200
            while metrics.registry.get_sample_value("rollcall_connections"):  # noqa: ASYNC110 - can only be asked
                await asyncio.sleep(0.01)
            assert left() <= 2  # what the loop has at hand
        finally:
            gc.enable()
