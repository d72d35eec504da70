"""The view: kept over restarts, built anew where it can't be used, and shared by workers."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from rollcall_dev.kafka import Broker
from rollcall_domain.partition import partition_for
from rollcall_domain.topics import ACTIVITY, ALERTS, STATE
from support.log import delete_topic, list_topics, recreate_topic
from support.school import School, ids, school
from support.services import Environment, Service, consumer, executing, producer, running

STUDENTS = [f"s-{number:03}" for number in range(120)]


async def _enrol(there: School, students: Sequence[str] = STUDENTS) -> list[dict[str, Any]]:
    """Have students log in, and give their records once all of them are shown."""
    lines = [{"StudentId": student, "State": "LoggedIn"} for student in students]
    assert (await there.client.post("/Record/Updates", json=lines)).status_code == 200
    shown = await there.until("/Record", lambda found: found["Count"] >= len(students), limit=1000, count="true")
    return list(shown["Records"])


def _built(api: Service) -> list[str]:
    """Tell why an API has built its view anew, each time that it has."""
    return [event["reason"] for event in api.events if event["event"] == "Building the view anew"]


async def _records(url: str) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(base_url=url) as client:
        return list((await client.get("/Record?limit=1000")).json()["Records"])


async def test_the_view_is_kept_over_a_restart_also_if_it_was_killed(environment: Environment, tmp_path: Path) -> None:
    file = tmp_path / "deep" / "view.sqlite"
    async with school(environment, views_file=file) as there:
        records = await _enrol(there)
        assert _built(there.api) == ["there was none"]
        for number in (signal.SIGKILL, signal.SIGTERM):
            async with producer(environment, views=True, views_file=file) as api:
                if number is signal.SIGKILL:
                    await there.api.end(number)
                await api.ready()
                assert await _records(api.url) == records
                assert _built(api) == []
                await api.end(number)


DAMAGES = ["gone", "cut short", "overwritten", "too old", "another program's", "of another environment"]


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_file_that_is_no_view_of_this_is_built_anew(
    environment: Environment, kafka: str, tmp_path: Path, damage: str
) -> None:
    file = tmp_path / "view.sqlite"
    async with school(environment, views_file=file) as there:
        records = await _enrol(there)
    match damage:
        case "gone":
            file.unlink()
        case "cut short":
            os.truncate(file, file.stat().st_size // 3)
        case "overwritten":
            file.write_bytes(os.urandom(20_000))
        case "too old":  # Kafka keeps for a day who is to be forgotten
            with closing(sqlite3.connect(file)) as database:
                database.execute("UPDATE meta SET value = value - 100000 WHERE name = 'current'")
                database.commit()
        case "another program's":
            file.unlink()
            with closing(sqlite3.connect(file)) as database:
                database.execute("CREATE TABLE guests(name)")
                database.commit()
        case _:
            other = Environment(kafka, prefix=f"other-{environment.prefix}")
            async with producer(other, views=True, views_file=file) as api:
                await api.ready()
    async with producer(environment, views=True, views_file=file) as api:
        await api.ready()
        assert await _records(api.url) == records
        assert len(_built(api)) == 1


async def test_topics_that_were_made_anew_are_shown_from_their_begin(environment: Environment, tmp_path: Path) -> None:
    file = tmp_path / "view.sqlite"
    async with school(environment, views_file=file) as there:
        await _enrol(there)
    for topic in (STATE, ACTIVITY, ALERTS):
        await recreate_topic(environment.servers, environment.prefix + topic.name, 6)
    async with producer(environment, views=True, views_file=file) as api:
        await api.ready()
        assert await _records(api.url) == []
        assert _built(api) == ["its topics were made anew"]


async def test_a_file_that_can_not_be_written_ends_the_start(environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    async with producer(environment, views=True, views_file=tmp_path / "taken" / "view.sqlite") as api:
        assert await api.end(None) == 78
    assert api.events[-1]["event"].startswith("ROLLCALL_VIEWS_FILE: can't use ")


WITHOUT_ROOM = """
import tempfile
tempfile._candidate_tempdir_list = lambda: ["/nowhere"]  # as in a container that may write nothing
from rollcall_producer.__main__ import main
main()
"""


async def test_where_there_is_no_room_for_temporary_files_one_has_to_be_named(environment: Environment) -> None:
    async with executing("-c", WITHOUT_ROOM, **environment.variables()) as api:
        assert await api.end(None) == 78
    assert api.events[-1]["event"].startswith("ROLLCALL_VIEWS_FILE: can't use a temporary file: ")


async def test_readiness_waits_until_all_is_shown(environment: Environment) -> None:
    async with school(environment) as there:
        records = await _enrol(there)
        async with producer(environment, views=True) as api, httpx.AsyncClient() as client:
            await api.event(lambda event: event["event"] == "Serving HTTP")
            while (answer := await client.get(f"{api.url}/readyz")).status_code != 200:
                assert answer.json()["reason"]
            assert await _records(api.url) == records


async def test_a_student_whose_key_is_emptied_is_forgotten(environment: Environment) -> None:
    async with school(environment) as there:
        await _enrol(there)
        async with AIOKafkaProducer(bootstrap_servers=environment.servers, acks="all") as client:
            topic = environment.prefix + STATE.name
            await client.send_and_wait(topic, None, b"s-007", partition_for(b"s-007", 6))
            await client.send_and_wait(topic, b"no record", b"s-008", partition_for(b"s-008", 6))
        shown = await there.until("/Record", lambda found: len(found["Records"]) < 120, limit=1000)
        assert ids(shown["Records"]) == [student for student in STUDENTS if student != "s-007"]
        await there.put("s-008", "LoggedOut")
        await there.until("/Record/s-008", lambda found: found["State"] == "LoggedOut")


async def test_another_generation_is_shown_without_a_gap(environment: Environment, tmp_path: Path) -> None:
    file = tmp_path / "view.sqlite"
    async with school(environment, views_file=file) as there:
        records = await _enrol(there)
        ended = asyncio.Event()

        async def watch() -> int:
            looks = 0
            while not ended.is_set():
                found = (await there.get("/Record", limit=1000))["Records"]
                assert ids(found) == STUDENTS
                assert all(now["Logins"] >= then["Logins"] for now, then in zip(found, records, strict=True))
                looks += 1
                await asyncio.sleep(0)
            return looks

        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(watch())
            async with running("rollcall_consumer", "rebuild", "--json", **environment.variables()) as command:
                assert await command.end(None) == 0
            await there.until("/Pipeline", lambda found: found["Generation"] == 2)
            await there.get("/Record/s-001", after=await there.put("s-001"))
            ended.set()
        assert watching.result() > 10
        async with running("rollcall_consumer", "rebuild", "--remove", **environment.variables()) as command:
            assert await command.end(None) == 0
        assert environment.prefix + STATE.name not in await list_topics(environment.servers)
        with closing(sqlite3.connect(file)) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
            topics = {topic for (topic,) in database.execute("SELECT topic FROM position")}
        assert tables == {"meta", "position", "alert", "record_2", "minute_2"}
        assert topics == {
            environment.prefix + name for name in ("Student.State.gen2", "Student.Activity.gen2", "Student.Alerts")
        }
        async with producer(environment, views=True) as api:  # which has to find out by itself
            await api.ready()
            assert ids(await _records(api.url)) == STUDENTS
            assert environment.prefix + STATE.name not in await list_topics(environment.servers)


async def test_workers_share_a_view_that_any_of_them_keeps(environment: Environment) -> None:
    async with school(environment, workers=2) as there:
        await _enrol(there)
        feeding = await there.api.event(lambda event: event["event"] == "Building the view anew")
        started = [event for event in there.api.events if event["event"] == "Started a worker"]
        os.kill(next(event["pid"] for event in started if event["worker"] == feeding["worker"]), signal.SIGKILL)
        for number in range(40):  # over connections of their own, and so by both
            async with httpx.AsyncClient(base_url=there.api.url) as client:
                update = {"StudentId": f"t-{number:02}", "State": "LoggedIn"}
                answer = await client.put("/Record/Update", json=update)
                after = answer.headers["X-Rollcall-Position"]
                found = await client.get(f"/Record/t-{number:02}", params={"after": after})
                assert found.status_code == 200, found.text


async def test_without_views_there_are_no_reads_and_no_topics(environment: Environment) -> None:
    async with producer(environment, views=False) as api, httpx.AsyncClient(base_url=(await api.ready()).url) as client:
        assert (await client.get("/Record/s-1")).status_code == 404
        assert "/Record" not in (await client.get("/openapi.json")).json()["paths"]
        own = [name for name in await list_topics(environment.servers) if name.startswith(environment.prefix)]
        assert own == [environment.student]


async def test_another_group_is_shown_if_it_is_named(environment: Environment) -> None:
    async with (
        consumer(environment, group="late", log_records=False),
        producer(environment, views=True, group="late") as api,
        httpx.AsyncClient(base_url=(await api.ready()).url) as client,
    ):
        answer = await client.put("/Record/Update", json={"StudentId": "s-1", "State": "LoggedIn"})
        found = await client.get("/Record/s-1", params={"after": answer.headers["X-Rollcall-Position"]})
        assert (found.status_code, found.json()["State"]) == (200, "LoggedIn")
        assert (await client.get("/Pipeline")).json()["Group"] == "late"


async def test_a_view_that_fails_takes_no_updates_down(environment: Environment, tmp_path: Path) -> None:
    """Here its topic vanishes, which nobody has foreseen."""
    async with school(environment, views_file=tmp_path / "view.sqlite") as there:
        await _enrol(there)
        await there.worker.end()
        await delete_topic(environment.servers, environment.prefix + STATE.name)
        for number in range(20):
            await there.put(f"t-{number}")
        assert ids((await there.get("/Record", limit=1000))["Records"]) == STUDENTS


async def test_while_kafka_is_away_reads_show_what_was_there_and_say_so() -> None:
    with Broker() as broker:
        async with school(Environment(broker.bootstrap_servers, prefix="away.")) as there:
            records = await _enrol(there)
            broker.kill()
            await there.until("/Pipeline", lambda found: found["ViewLagSeconds"] > 3)
            assert (await there.get("/Record", limit=1000))["Records"] == records
            history = await there.client.get("/Record/s-001/History")
            assert (history.status_code, history.json()["type"]) == (503, "urn:rollcall:problem:log-unavailable")
            broker.start()
            await there.until("/Pipeline", lambda found: found["ViewLagSeconds"] < 2)
            await there.api.ready()
            await there.until("/Record/s-001", lambda _: True, after=await there.put("s-001", "LoggedOut"))
            assert len((await there.get("/Record/s-001/History"))["Events"]) == 2
