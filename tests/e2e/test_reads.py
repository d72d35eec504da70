"""Reads of what the worker has derived."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from rollcall_domain.partition import partition_for
from rollcall_producer.tokens import Scope, make_token
from support.school import ids, school
from support.services import Environment, producer


@pytest.fixture
async def reads(environment: Environment) -> AsyncIterator[httpx.AsyncClient]:
    """An API of which nothing is known yet."""
    async with producer(environment, views=True) as api, httpx.AsyncClient(base_url=(await api.ready()).url) as client:
        yield client


def _ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def _milliseconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() * 1000


async def test_a_record_shows_what_came_of_updates(environment: Environment) -> None:
    async with school(environment) as there:
        await there.put("s-1", "LoggedIn", _ago(60))
        await there.put("s-1", "LoggedOut", _ago(30))
        begin = _ago(10)
        position = await there.put("s-1", "LoggedIn", begin)
        answer = await there.client.get("/Record/s-1", params={"after": position})
        record = answer.json()
        assert answer.headers["X-Rollcall-Position"] == position
        assert (record["StudentId"], record["State"], record["Logins"]) == ("s-1", "LoggedIn", 2)
        assert _milliseconds(record["Since"]) == _milliseconds(record["Seen"]) == _milliseconds(begin)
        assert record["TotalSeconds"] == pytest.approx(30, abs=1)
        assert record["Since"].endswith("Z")


async def test_a_client_reads_what_it_has_written(environment: Environment) -> None:
    async with school(environment) as there:

        async def write_and_read(student: str) -> None:
            for number in range(1, 6):
                state = "LoggedIn" if number % 2 else "LoggedOut"
                position = await there.put(student, state)
                record = await there.get(f"/Record/{student}", after=position)
                assert (record["State"], record["Logins"]) == (state, (number + 1) // 2)
                page = await there.get("/Record", prefix=student, after=position)
                assert page["Records"] == [record]

        await asyncio.gather(*(write_and_read(f"student-{number:02}") for number in range(20)))


async def test_a_read_waits_for_an_update_that_changes_nothing(environment: Environment) -> None:
    async with school(environment) as there:
        await there.put("s-1", "LoggedIn")
        partition = partition_for(b"s-1", 6)
        async with AIOKafkaProducer(bootstrap_servers=environment.servers, acks="all") as client:
            for _ in range(2):  # the second one is a repetition, which the worker drops
                written = await client.send_and_wait(
                    environment.student,
                    b'{"StudentId":"s-1","State":1}',
                    b"s-1",
                    partition,
                    headers=[("id", b"the same")],
                )
        record = await there.get("/Record/s-1", after=f"{partition}@{written.offset}")
        assert record["State"] == "LoggedOut"


async def test_a_read_of_what_is_not_reflected_in_time_says_so(environment: Environment) -> None:
    async with school(environment, deadline_seconds=1) as there:
        await there.put("s-1")
        partition = partition_for(b"s-1", 6)
        for path in ("/Record/s-1", "/Record", "/Activity", "/Alerts"):
            answer = await there.client.get(path, params={"after": f"{partition}@99"})
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
            assert answer.json()["type"] == "urn:rollcall:problem:behind"
            assert f"{partition}@99" in answer.json()["detail"]


async def test_a_record_that_has_not_changed_is_not_sent_again(environment: Environment) -> None:
    async with school(environment) as there:
        first = await there.client.get("/Record/s-1", params={"after": await there.put("s-1")})
        assert first.status_code == 200, first.text
        headers = {"If-None-Match": f'"something", W/{first.headers["ETag"]}'}
        same = await there.client.get("/Record/s-1", headers=headers)
        assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", first.headers["ETag"])
        await there.get("/Record/s-1", after=await there.put("s-1", "LoggedOut"))
        changed = await there.client.get("/Record/s-1", headers=headers)
        assert (changed.status_code, changed.json()["State"]) == (200, "LoggedOut")
        assert changed.headers["ETag"] != first.headers["ETag"]
        head = await there.client.head("/Record/s-1")
        assert (head.status_code, head.content, head.headers["ETag"]) == (200, b"", changed.headers["ETag"])


async def test_pages_have_each_student_once_whatever_happens_meanwhile(environment: Environment) -> None:
    async with school(environment) as there:
        students = [f"s-{number:03}" for number in range(250)]
        others = [f"t-{number:03}" for number in range(20)]
        at = datetime.now(UTC) - timedelta(hours=1)
        lines = [
            {"StudentId": student, "State": "LoggedIn", "At": (at + timedelta(seconds=number)).isoformat()}
            for number, student in enumerate([*students, *others])
        ]
        assert (await there.client.post("/Record/Updates", json=lines)).status_code == 200
        positions = [await there.put(other, "LoggedOut") for other in others]
        for position in positions:
            await there.get("/Record", limit=1, after=position)
        await asyncio.gather(  # until all are there
            *(there.get(f"/Record/{student}", after=f"{partition_for(student.encode(), 6)}@0") for student in students)
        )

        pages = await there.pages("/Record", "Records", limit=37)
        assert [ids(page) for page in pages] == [
            [*students, *others][begin : begin + 37] for begin in range(0, 270, 37)
        ]
        found = ids(await there.all("/Record", "Records", limit=100, state="LoggedIn"))
        assert found == students
        found = ids(await there.all("/Record", "Records", state="LoggedOut"))
        assert found == others
        since = (at + timedelta(seconds=100)).isoformat()
        found = ids(await there.all("/Record", "Records", limit=60, state="LoggedIn", since=since))
        assert found == students[100:]
        found = ids(await there.all("/Record", "Records", limit=60, since=since))
        assert found == [*students[100:], *others]
        assert ids((await there.get("/Record", prefix="s-01"))["Records"]) == students[10:20]
        counts = [
            (await there.get("/Record", limit=1, count="true", **wanted))["Count"]
            for wanted in (
                {},
                {"state": "LoggedIn"},
                {"prefix": "t-"},
                {"since": since},
                {"prefix": "s-", "since": since},
            )
        ]
        assert counts == [270, 250, 20, 170, 150]

        first = await there.get("/Record", state="LoggedIn", limit=100)
        await there.get("/Record", limit=1, after=await there.put("s-050", "LoggedOut"))
        await there.get("/Record", limit=1, after=await there.put("s-050", "LoggedIn"))
        await there.get("/Record", limit=1, after=await there.put("s-0005", "LoggedIn"))
        rest = await there.all("/Record", "Records", state="LoggedIn", limit=100, cursor=first["Next"])
        assert ids(first["Records"]) + ids(rest) == students


async def test_activity_counts_step_by_step(environment: Environment) -> None:
    async with school(environment) as there:
        now = datetime.now(UTC)
        minute = now.replace(second=0, microsecond=0) - timedelta(minutes=7)
        positions = [
            await there.put(f"s-{number}", state, (minute + timedelta(seconds=number)).isoformat())
            for number in range(12)
            for state in ("LoggedIn", "LoggedOut")
        ]
        positions.append(await there.put("s-0", "LoggedIn", (minute - timedelta(minutes=3)).isoformat()))
        for position in positions:
            activity = await there.get("/Activity", after=position)
        steps = {step["Start"]: (step["Logins"], step["Logouts"]) for step in activity["Steps"]}
        assert (activity["StepSeconds"], len(steps)) == (60, 30)
        counted = {start: counts for start, counts in steps.items() if counts != (0, 0)}
        assert [*counted.values()] == [(1, 0), (12, 12)]
        assert [_milliseconds(start) for start in counted] == [
            (minute - timedelta(minutes=3)).timestamp() * 1000,
            minute.timestamp() * 1000,
        ]
        starts = [_milliseconds(start) for start in steps]
        assert starts == [starts[0] + 60_000 * number for number in range(30)]
        assert starts[-1] <= time.time() * 1000 < starts[-1] + 2 * 60_000
        wide = await there.get("/Activity", window="1h", step="30m")
        assert (wide["StepSeconds"], len(wide["Steps"])) == (1800, 2)
        assert sum(step["Logins"] for step in wide["Steps"]) in {0, 1, 12, 13}  # as the half hours lie
        day = await there.get("/Activity", window="2d", step="1d")
        assert sum(step["Logins"] for step in day["Steps"]) == 13


async def test_alerts_are_shown_the_latest_first(environment: Environment) -> None:
    async with school(environment) as there:
        early = await there.put("old", "LoggedIn", _ago(1000)), await there.put("old", "LoggedIn", _ago(900))
        late = [await there.put(f"s-{number}") for number in range(5) for _ in range(2)]
        for position in (*early, *late):
            await there.get("/Alerts", after=position)
        alerts = (await there.get("/Alerts"))["Alerts"]
        assert sorted(ids(alerts)) == [f"s-{number}" for number in range(5)]
        assert [alert["At"] for alert in alerts] == sorted((alert["At"] for alert in alerts), reverse=True)
        assert {(alert["Rule"], alert["Detail"]) for alert in alerts} == {("two-places", "logged in while logged in")}
        assert ids((await there.get("/Alerts", window="1d"))["Alerts"]) == [*ids(alerts), "old"]
        pages = await there.pages("/Alerts", "Alerts", window="1d", limit=4)
        assert [ids(page) for page in pages] == [ids(alerts)[:4], [*ids(alerts)[4:], "old"]]


async def test_the_pipeline_tells_how_far_the_group_has_come(environment: Environment) -> None:
    async with school(environment) as there:
        await there.get("/Record/s-1", after=await there.put("s-1"))
        told = await there.until("/Pipeline", lambda found: found["LastCommit"] is not None)
        assert (told["Group"], told["Generation"], told["LagRecords"], told["LagSeconds"]) == ("1", 1, 0, 0.0)
        assert told["ViewLagSeconds"] < 5
        assert await there.worker.end() == 0
        for number in range(10):
            await there.put(f"s-{number}")
        told = await there.until("/Pipeline", lambda found: found["LagSeconds"] > 1)
        assert told["LagRecords"] == 10


FAULTS = [
    ("/Record/s-1?at=then", "at"),
    ("/Record/s-1?after=17", "after"),
    ("/Record/s-1?after=6@1", "after"),
    ("/Record/s-1?from=-1m", "from"),
    ("/Record?state=In", "state"),
    ("/Record?since=tomorrow", "since"),
    ("/Record?limit=0", "limit"),
    ("/Record?limit=1001", "limit"),
    ("/Record?limit=many", "limit"),
    ("/Record?count=yes", "count"),
    ("/Record?cursor=x", "cursor"),
    ("/Record?cursor=e30", "cursor"),
    ("/Record?limit=1&limit=2", "limit"),
    ("/Record/s-1/History?to=2026-11-23T10:00", "to"),
    ("/Activity?window=0m", "window"),
    ("/Activity?window=8d", "window"),
    ("/Activity?window=7d&step=1m", "window"),
    ("/Activity?step=90s", "step"),
    ("/Alerts?window=10", "window"),
    ("/Pipeline?window=10m", "window"),
]


async def test_a_parameter_that_is_at_fault_is_named(reads: httpx.AsyncClient) -> None:
    for path, named in FAULTS:
        answer = await reads.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json"), path
        problem = answer.json()
        assert (problem["type"], problem["field"]) == ("urn:rollcall:problem:invalid-parameter", named)
        assert named in problem["detail"]


async def test_a_student_of_whom_nothing_is_known_is_not_found(reads: httpx.AsyncClient) -> None:
    for path in ("/Record/nobody", "/Record/nobody?at=latest"):
        answer = await reads.get(path)
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:rollcall:problem:unknown-student")
    assert (await reads.get("/Record/nobody/History")).json() == {"Events": []}
    assert (await reads.get("/Record/nobody/Nothing")).status_code == 404


async def test_reads_take_a_token_with_the_scope_read(environment: Environment, tmp_path: Path) -> None:
    reader, first = make_token("reader", [Scope.READ], None)
    writer, second = make_token("writer", [Scope.WRITE], None)
    (tmp_path / "tokens").write_text(f"{first}\n{second}\n")
    async with producer(environment, views=True, tokens_file=tmp_path / "tokens") as api:
        await api.ready()
        async with httpx.AsyncClient(base_url=api.url) as client:
            for path in ("/Record", "/Record/s-1", "/Record/s-1/History", "/Activity", "/Alerts", "/Pipeline"):
                answers = [
                    await client.get(path, headers=headers)
                    for headers in ({}, {"Authorization": f"Bearer {writer}"}, {"Authorization": f"Bearer {reader}"})
                ]
                assert [answer.status_code for answer in answers[:2]] == [401, 403]
                assert answers[2].status_code in {200, 404}
