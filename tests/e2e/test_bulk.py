import asyncio
import gzip
import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import httpx
import pytest
from backports import zstd

from rollcall_dev.kafka import Broker
from rollcall_producer.turns import UPLOADS
from support.log import read_all
from support.services import Environment, Service, producer

NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
async def service(environment: Environment) -> AsyncIterator[Service]:
    async with producer(environment) as running:
        yield await running.ready()


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=service.url, timeout=60) as client:
        yield client


def _line(student_id: str, state: str = "LoggedIn", **more: str) -> str:
    return json.dumps({"StudentId": student_id, "State": state, **more})


def _body(lines: Iterable[str]) -> bytes:
    return "".join(line + "\n" for line in lines).encode()


async def _log(environment: Environment) -> list[tuple[str, int]]:
    records = await read_all(environment.servers, environment.student)
    values = [json.loads(record.value or b"") for record in records]
    return [(value["StudentId"], value["State"]) for value in values]


async def test_takes_all_lines_and_keeps_their_order_per_student(
    environment: Environment, client: httpx.AsyncClient
) -> None:
    lines = [_line(f"s-{n % 97}", ("LoggedIn", "LoggedOut")[n // 97 % 2]) for n in range(97 * 200)]
    answer = await client.post("/Record/Updates", content=_body(lines), headers=NDJSON)
    assert answer.status_code == 200
    assert answer.json() == {
        "Accepted": len(lines),
        "Repeated": 0,
        "Rejected": 0,
        "DurableThrough": len(lines),
        "Rejections": [],
    }
    states = defaultdict(list)
    for student_id, state in await _log(environment):
        states[student_id].append(state)
    assert states == {f"s-{n}": [0, 1] * 100 for n in range(97)}


async def test_records_have_ids_and_the_time_that_the_line_gives(
    environment: Environment, client: httpx.AsyncClient
) -> None:
    lines = [_line("s-1", At="2026-11-01T08:00:00.250+01:00"), _line("s-1", Id="my-id"), _line("s-1")]
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    headers = {**NDJSON, "traceparent": trace}
    assert (await client.post("/Record/Updates", content=_body(lines), headers=headers)).status_code == 200
    first, second, third = await read_all(environment.servers, environment.student)
    assert first.timestamp == 1793516400250
    assert dict(second.headers)["id"] == b"my-id"
    assert dict(first.headers)["id"] < dict(third.headers)["id"]
    assert {dict(record.headers)["traceparent"] for record in (first, second, third)} == {trace.encode()}


async def test_names_each_line_that_is_at_fault(client: httpx.AsyncClient) -> None:
    lines = [
        _line("s-1"),
        "{",
        "",
        _line("s-2", "Asleep"),
        '{"studentid":"s-3","state":"LoggedIn"}',
        _line("s-4", Room="12"),
        _line(""),
        "[]",
        _line("s-5", At="tomorrow"),
        _line("s-5", At="2999-01-01T00:00:00Z"),
        _line("s-6", Id="no blanks"),
        "x" * 70_000,
        _line("\u0007"),
        _line("s-7"),
    ]
    answer = await client.post("/Record/Updates", content=_body(lines), headers=NDJSON)
    assert answer.status_code == 207
    summary = answer.json()
    assert (summary["Accepted"], summary["Rejected"], summary["DurableThrough"]) == (3, 10, 14)
    assert [(r["Line"], r["Reason"], r.get("Field")) for r in summary["Rejections"]] == [
        (2, "malformed-body", None),
        (4, "invalid-value", "State"),
        (6, "unknown-property", "Room"),
        (7, "invalid-value", "StudentId"),
        (8, "not-an-object", None),
        (9, "invalid-value", "At"),
        (10, "invalid-value", "At"),
        (11, "invalid-value", "Id"),
        (12, "line-too-large", None),
        (13, "invalid-value", "StudentId"),
    ]


async def test_shows_the_first_thousand_rejections_and_counts_all(client: httpx.AsyncClient) -> None:
    answer = await client.post("/Record/Updates", content=b"nonsense\n" * 2500, headers=NDJSON)
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["type"] == "urn:rollcall:problem:nothing-accepted"
    assert problem["summary"]["Rejected"] == 2500
    assert [rejection["Line"] for rejection in problem["summary"]["Rejections"]] == list(range(1, 1001))


async def test_tells_the_verdict_on_every_line_where_asked_for(client: httpx.AsyncClient) -> None:
    lines = [_line(f"s-{n}", Id=f"id-{n}") if n % 10 else "nonsense" for n in range(5000)]
    answer = await client.post("/Record/Updates?verdicts=all", content=_body(lines), headers=NDJSON)
    assert answer.status_code == 207
    *verdicts, last = map(json.loads, answer.text.splitlines())
    assert [verdict["Line"] for verdict in verdicts] == list(range(1, 5001))
    for n, verdict in enumerate(verdicts):
        if n % 10:
            assert verdict == {"Line": n + 1, "Status": "accepted", "Id": f"id-{n}"}
        else:
            assert (verdict["Status"], verdict["Reason"]) == ("rejected", "malformed-body")
    assert (last["Summary"]["Accepted"], last["Summary"]["Rejected"]) == (4500, 500)


@pytest.mark.parametrize("size", [1, 7, 1000, 65_536])
async def test_lines_may_be_cut_anywhere_and_end_as_on_any_system(
    environment: Environment, client: httpx.AsyncClient, size: int
) -> None:
    body = "\r\n".join([_line("s-é"), "", _line("s-2"), "nonsense", _line("s-3")]).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    answer = await client.post("/Record/Updates", content=pieces(), headers=NDJSON)
    assert answer.status_code == 207
    assert [rejection["Line"] for rejection in answer.json()["Rejections"]] == [4]
    assert {student for student, _ in await _log(environment)} == {"s-é", "s-2", "s-3"}


async def test_a_line_is_one_object_however_lines_are_cut(client: httpx.AsyncClient) -> None:
    body = _body(['{"StudentId":"s-1",', '"State":"LoggedIn"}' + _line("s-2"), _line("s-3") + _line("s-4")])
    answer = await client.post("/Record/Updates", content=body, headers=NDJSON)
    assert answer.status_code == 422
    assert [rejection["Line"] for rejection in answer.json()["summary"]["Rejections"]] == [1, 2, 3]


async def test_takes_a_json_array(environment: Environment, client: httpx.AsyncClient) -> None:
    updates: list[Any] = [{"StudentId": f"s-{n}", "State": "LoggedOut"} for n in range(3)]
    answer = await client.post("/Record/Updates", json=updates)
    assert (answer.status_code, answer.json()["Accepted"]) == (200, 3)
    answer = await client.post("/Record/Updates", json=[*updates, 17, {"StudentId": "s-1"}])
    assert answer.status_code == 207
    assert [(r["Line"], r["Reason"]) for r in answer.json()["Rejections"]] == [
        (4, "not-an-object"),
        (5, "missing-property"),
    ]
    assert len(await _log(environment)) == 6
    answer = await client.post("/Record/Updates", json={})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:rollcall:problem:not-an-array")
    answer = await client.post("/Record/Updates", content=b"[1,", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:rollcall:problem:malformed-body")


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
async def test_takes_compressed_bodies(environment: Environment, client: httpx.AsyncClient, encoding: str) -> None:
    compress: Callable[[bytes], bytes] = gzip.compress if encoding == "gzip" else zstd.compress
    lines = [_line(f"s-{n}") for n in range(20_000)]
    body = compress(_body(lines[:7000])) + compress(_body(lines[7000:]))
    headers = {**NDJSON, "Content-Encoding": encoding}
    answer = await client.post("/Record/Updates", content=body, headers=headers)
    assert (answer.status_code, answer.json()["Accepted"]) == (200, len(lines))
    answer = await client.post("/Record/Updates", content=body[:-10], headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (400, "the compressed body ends early")
    taken = answer.json()["summary"]["Accepted"]
    answer = await client.post("/Record/Updates", content=b"nonsense" + body, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:rollcall:problem:malformed-body")
    assert len(await _log(environment)) == len(lines) + taken


@pytest.mark.parametrize(
    ("query", "headers", "status", "field"),
    [
        ("?verdicts=some", NDJSON, 400, None),
        ("?verdict=all", NDJSON, 400, None),
        ("", {"Content-Type": "text/csv"}, 415, "Content-Type"),
        ("", {"Content-Type": "application/x-ndjson; charset=latin-1"}, 415, "Content-Type"),
        ("", {**NDJSON, "Content-Encoding": "br"}, 415, "Content-Encoding"),
        ("", {**NDJSON, "Content-Encoding": ""}, 415, "Content-Encoding"),
    ],
)
async def test_refuses_what_it_cannot_read_as_a_whole(
    client: httpx.AsyncClient, query: str, headers: dict[str, str], status: int, field: str | None
) -> None:
    answer = await client.post(f"/Record/Updates{query}", content=_body([_line("s-1")]), headers=headers)
    assert (answer.status_code, answer.json().get("field")) == (status, field)


async def test_an_empty_body_is_no_update_and_no_error(client: httpx.AsyncClient) -> None:
    answer = await client.post("/Record/Updates", content=b"", headers=NDJSON)
    assert (answer.status_code, answer.json()["Accepted"]) == (200, 0)


async def test_tells_up_to_which_line_all_are_durable_when_kafka_fails_midway() -> None:
    with Broker() as broker:
        environment = Environment(broker.bootstrap_servers, "")
        async with (
            producer(environment, deadline_seconds=1) as service,
            httpx.AsyncClient(base_url=(await service.ready()).url, timeout=60) as client,
        ):

            async def pieces() -> AsyncIterator[bytes]:
                yield _body(_line(f"s-{n}") for n in range(10_000))
                while "rollcall_batch_records_sum 10000.0" not in (await client.get("/metrics")).text:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)  # a counter can only be asked for
                broker.pause()
                yield _body(_line(f"s-{n}") for n in range(10_000, 20_000))

            answer = await client.post("/Record/Updates", content=pieces(), headers=NDJSON)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
            summary = answer.json()["summary"]
            assert summary["Accepted"] == summary["DurableThrough"] == 10_000
            assert "durable are the lines up to number 10000" in answer.json()["detail"]
            broker.resume()
        students = {student for student, _ in await _log(environment)}
    assert students >= {f"s-{n}" for n in range(10_000)}


async def test_an_upload_that_is_still_being_sent_sees_why_it_has_failed(client: httpx.AsyncClient) -> None:
    async def bomb() -> AsyncIterator[bytes]:
        yield gzip.compress(b"\n" * 20_000)
        yield b"damaged"
        for _ in range(1000):
            yield b"x" * 65_536

    headers = {**NDJSON, "Content-Encoding": "gzip"}
    answer = await client.post("/Record/Updates", content=bomb(), headers=headers)
    assert (answer.status_code, answer.headers["Connection"]) == (400, "close")
    assert "damaged" in answer.json()["detail"]


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
async def test_a_small_body_that_becomes_a_huge_one_is_refused(
    environment: Environment, client: httpx.AsyncClient, encoding: str
) -> None:
    compress: Callable[[bytes], bytes] = gzip.compress if encoding == "gzip" else zstd.compress
    body = compress(_body([_line("s-1")])) + compress(b" " * 64 * 1024 * 1024)
    headers = {**NDJSON, "Content-Encoding": encoding}
    answer = await client.post("/Record/Updates", content=body, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:rollcall:problem:body-too-large")
    assert answer.json()["summary"]["DurableThrough"] == 1
    assert len(await _log(environment)) == 1


async def test_uploads_beyond_those_that_are_read_at_a_time_wait_for_their_turn(environment: Environment) -> None:
    ending = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield _body([_line("s-1")])
        await ending.wait()

    async def count(client: httpx.AsyncClient) -> int:
        return int(re.findall(r'updates_total\{outcome="accepted"\} (\d+)', (await client.get("/metrics")).text)[0])

    async with (
        producer(environment, deadline_seconds=2) as service,
        httpx.AsyncClient(base_url=(await service.ready()).url, timeout=60, limits=httpx.Limits()) as client,
    ):
        uploads = [
            asyncio.create_task(client.post("/Record/Updates", content=endless(), headers=NDJSON))
            for _ in range(UPLOADS)
        ]
        while await count(client) < UPLOADS:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
        refused = await client.post("/Record/Updates", content=_body([_line("s-2")]), headers=NDJSON)
        assert (refused.status_code, refused.headers["Retry-After"], refused.headers["Connection"]) == (
            429,
            "1",
            "close",
        )
        assert (await client.put("/Record/Update", json=json.loads(_line("s-3")))).status_code == 200
        waiting = asyncio.create_task(client.post("/Record/Updates", content=_body([_line("s-4")]), headers=NDJSON))
        ending.set()
        assert {answer.status_code for answer in await asyncio.gather(waiting, *uploads)} == {200}
    assert len(await _log(environment)) == UPLOADS + 2
