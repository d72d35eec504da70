import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from support.log import read_all
from support.services import Environment, producer


@pytest.fixture
async def client(environment: Environment) -> AsyncIterator[httpx.AsyncClient]:
    async with producer(environment) as service:
        await service.ready()
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
            yield client


async def _put(client: httpx.AsyncClient, key: str, student: str = "s-1", **more: str) -> httpx.Response:
    body = {"StudentId": student, "State": "LoggedIn", **more}
    return await client.put("/Record/Update", json=body, headers={"Idempotency-Key": key})


async def test_a_repetition_is_answered_as_the_first_was_and_written_once(
    environment: Environment, client: httpx.AsyncClient
) -> None:
    first, *others = [await _put(client, "key-1") for _ in range(3)]
    assert [answer.status_code for answer in (first, *others)] == [200, 200, 200]
    assert first.headers["X-Rollcall-Idempotency"] == "downstream"
    assert {answer.headers["X-Rollcall-Idempotency"] for answer in others} == {"replayed"}
    assert {answer.headers["X-Rollcall-Id"] for answer in (first, *others)} == {"key-1"}
    (record,) = await read_all(environment.servers, environment.student)
    assert record.headers == (("id", b"key-1"),)


async def test_repetitions_that_come_at_once_are_written_once(
    environment: Environment, client: httpx.AsyncClient
) -> None:
    answers = await asyncio.gather(*(_put(client, f"key-{number % 5}") for number in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(await read_all(environment.servers, environment.student)) == 5


async def test_a_key_that_another_update_had_is_refused(environment: Environment, client: httpx.AsyncClient) -> None:
    assert (await _put(client, "key-1")).status_code == 200
    for answer in (
        await _put(client, "key-1", "s-2"),
        await _put(client, "key-1", State="LoggedOut"),
        await _put(client, "key-1", At="2026-11-01T08:00:00Z"),
    ):
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:rollcall:problem:reused-id")
    assert len(await read_all(environment.servers, environment.student)) == 1


async def test_lines_of_an_upload_are_known_by_their_id(environment: Environment, client: httpx.AsyncClient) -> None:
    line = '{"StudentId":"s-1","State":"LoggedIn","Id":"key-1"}\n'
    other = '{"StudentId":"s-2","State":"LoggedIn","Id":"key-1"}\n'
    assert (await _put(client, "key-1")).status_code == 200
    headers = {"Content-Type": "application/x-ndjson"}
    answer = await client.post("/Record/Updates", content=line * 2 + other, headers=headers)
    assert answer.status_code == 207
    summary = answer.json()
    assert (summary["Accepted"], summary["Repeated"]) == (2, 2)
    assert [(r["Line"], r["Reason"]) for r in summary["Rejections"]] == [(3, "reused-id")]
    assert len(await read_all(environment.servers, environment.student)) == 1


async def test_a_record_without_a_key_gets_an_id_that_sorts_by_admission(
    environment: Environment, client: httpx.AsyncClient
) -> None:
    body = {"StudentId": "s-1", "State": "LoggedIn"}
    ids = [(await client.put("/Record/Update", json=body)).headers["X-Rollcall-Id"] for _ in range(20)]
    assert ids == sorted(set(ids))
    records = await read_all(environment.servers, environment.student)
    assert [dict(record.headers)["id"].decode() for record in records] == ids


@pytest.mark.parametrize("key", ["", "two words", "x" * 129, "\u00e9"])
async def test_a_key_of_another_form_is_refused(client: httpx.AsyncClient, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode("latin-1")}
    answer = await client.put("/Record/Update", json={"StudentId": "s-1", "State": "LoggedIn"}, headers=headers)
    assert (answer.status_code, answer.json()["field"]) == (400, "Idempotency-Key")
