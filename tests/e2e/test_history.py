"""A student's updates as they lie in the log, and the record as it was."""

import json
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import quote

import msgspec
import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord

from rollcall_domain import codec
from rollcall_domain.partition import partition_for
from rollcall_domain.record import NO_MEMORY, SOURCE, StudentRecord, advance, begin
from rollcall_domain.times import write_time
from support.log import delete_records, read_all
from support.school import School, school
from support.services import Environment

NDJSON = "application/x-ndjson"
STATES = ("LoggedIn", "LoggedOut")

Update: TypeAlias = ConsumerRecord[bytes | None, bytes | None]


def _id(record: Update) -> str:
    return str(dict(record.headers)["id"], "utf-8")


def _told(record: Update) -> dict[str, Any]:
    """Give an event as the API is to tell it."""
    update = codec.decode(record.value)
    assert update is not None
    return {
        "StudentId": update.student_id,
        "State": update.state.name,
        "At": write_time(record.timestamp),
        "Position": f"{record.partition}@{record.offset}",
        "Id": _id(record),
    }


async def _logged(environment: Environment) -> dict[str, list[Update]]:
    """Read the log, student by student."""
    found: dict[str, list[Update]] = {}
    for record in await read_all(environment.servers, environment.student):
        found.setdefault((record.key or b"").decode(), []).append(record)
    return found


async def _play(there: School, students: Sequence[str], updates: int, seed: int) -> None:
    """Write updates of the last hour, of which some come late."""
    chance = random.Random(seed)
    first = time.time() - 3600
    for begun in range(0, updates, 200):
        lines = [
            {
                "StudentId": chance.choice(students),
                "State": chance.choice(STATES),
                "At": datetime.fromtimestamp(
                    first + number + (chance.uniform(-900, 0) if chance.random() < 0.2 else 0), UTC
                ).isoformat(),
            }
            for number in range(begun, min(begun + 200, updates))
        ]
        assert (await there.client.post("/Record/Updates", json=lines)).status_code == 200


async def test_the_history_has_each_update_of_a_student(environment: Environment) -> None:
    async with school(environment) as there:
        students = [f"s-{number}" for number in range(20)]
        await _play(there, students, 1000, seed=7)
        for student, records in (await _logged(environment)).items():
            expected = [_told(record) for record in records]
            assert await there.all(f"/Record/{student}/History", "Events", limit=7) == expected
            answer = await there.client.get(f"/Record/{student}/History", headers={"Accept": NDJSON})
            assert answer.headers["content-type"] == NDJSON
            assert [json.loads(line) for line in answer.text.splitlines()] == expected
            begin, end = sorted(random.Random(student).sample([event["At"] for event in expected], 2))
            within = [event for event in expected if begin <= event["At"] <= end]
            found = await there.get(f"/Record/{student}/History", **{"from": begin, "to": end})
            assert found == {"Events": within}
            few = await there.client.get(f"/Record/{student}/History?limit=3", headers={"Accept": NDJSON})
            assert [json.loads(line) for line in few.text.splitlines()] == expected[:3]


async def test_pages_go_on_with_what_is_there_where_the_log_was_cut(environment: Environment) -> None:
    async with school(environment) as there:
        await there.puts(*[("s-1", "LoggedIn")] * 8)
        path, partition = "/Record/s-1/History", partition_for(b"s-1", 6)
        page = await there.get(path, limit=2)
        delete_records(environment.servers, environment.student, partition, before=5)
        page = await there.get(path, limit=2, cursor=page["Next"])
        assert [event["Position"] for event in page["Events"]] == [f"{partition}@5", f"{partition}@6"]
        page = await there.get(path, limit=2, cursor=page["Next"])
        assert [event["Position"] for event in page["Events"]] == [f"{partition}@7"]


async def test_ids_may_hold_whatever_a_path_has_to_write_in_another_way(environment: Environment) -> None:
    students = ["a/b", "a%2Fb", "ä ö", "名前", "a?b=c&d#e", 'quote"back\\slash', "Update", "History", "a+b", "😀"]
    async with school(environment) as there:
        for student in students:
            position = await there.put(student)
            path = f"/Record/{quote(student, safe='')}"
            assert (await there.get(path, after=position))["StudentId"] == student
            (event,) = (await there.get(f"{path}/History"))["Events"]
            assert (event["StudentId"], event["Position"]) == (student, position)
            assert (await there.get(path, at="latest"))["StudentId"] == student


async def test_updates_of_foreign_producers_are_part_of_a_history(environment: Environment) -> None:
    """Some have no key and lie anywhere, and some are written with escapes."""
    async with school(environment) as there:
        await there.put("Zoë", "LoggedIn")
        partition = partition_for("Zoë".encode(), 6)
        value = b'{"StudentId":"Zo\\u00EB","State":%d}'
        async with AIOKafkaProducer(bootstrap_servers=environment.servers, acks="all") as client:
            there_already = await client.send_and_wait(environment.student, value % 1, None, partition)
            await client.send_and_wait(environment.student, value % 0, None, (partition + 1) % 6)
        events = (await there.until("/Record/Zo%C3%AB/History", lambda found: len(found["Events"]) == 3))["Events"]
        assert [event["State"] for event in events] == ["LoggedIn", "LoggedOut", "LoggedIn"]
        assert [event["Position"] for event in events[1:]] == [
            f"{partition}@{there_already.offset}",
            f"inbox:{partition}@0",
        ]
        assert [("Id" in event) for event in events[:2]] == [True, False]
        record = await there.until("/Record/Zo%C3%AB", lambda found: found["Logins"] == 2)
        assert await there.get("/Record/Zo%C3%AB", at="latest") == record


def _fold(records: Sequence[Update], at: int) -> StudentRecord | None:
    """Fold updates up to a time as somebody would who has the log at hand."""
    record: StudentRecord | None = None
    for each in records:
        update = codec.decode(each.value)
        assert update is not None
        if each.timestamp <= at:
            before = record
            record = (
                begin(update, each.timestamp, SOURCE, each.offset)
                if before is None
                else advance(before, update, each.timestamp, SOURCE, each.offset, NO_MEMORY)
            )
    return record


async def test_the_record_as_it_was_is_what_the_log_comes_to(environment: Environment) -> None:
    async with school(environment) as there:
        students = [f"s-{number}" for number in range(50)]
        await _play(there, students, 3000, seed=11)
        logged, chance = await _logged(environment), random.Random(3)
        for _ in range(1000):
            student, at = chance.choice(students), int((time.time() - chance.uniform(0, 4500)) * 1000)
            expected = _fold(logged[student], at)
            answer = await there.client.get(f"/Record/{student}", params={"at": write_time(at)})
            if expected is None:
                assert answer.status_code == 404
                continue
            assert answer.json() == {
                "StudentId": student,
                "State": expected.state.name,
                "Since": write_time(expected.since),
                "Seen": write_time(expected.seen),
                "Logins": expected.logins,
                "TotalSeconds": expected.total / 1000,
            }


async def test_an_update_that_was_written_twice_counts_once(environment: Environment) -> None:
    async with school(environment) as there:
        async with AIOKafkaProducer(bootstrap_servers=environment.servers, acks="all") as client:
            for number in (1, 1, 2, 1):
                await client.send_and_wait(
                    environment.student,
                    msgspec.json.encode({"StudentId": "s-1", "State": 0}),
                    b"s-1",
                    partition_for(b"s-1", 6),
                    headers=[("id", b"%d" % number)],
                )
        assert (await there.get("/Record/s-1", at="latest"))["Logins"] == 2


@pytest.mark.parametrize("compression", ["gzip", None])
async def test_what_was_given_up_or_compressed_is_read_as_others_read_it(
    environment: Environment, compression: str | None
) -> None:
    async with school(environment) as there:
        async with AIOKafkaProducer(
            bootstrap_servers=environment.servers, transactional_id=environment.prefix, compression_type=compression
        ) as client:
            for state, ends in (
                (0, client.commit_transaction),
                (1, client.abort_transaction),
                (0, client.commit_transaction),
            ):
                await client.begin_transaction()
                for _ in range(5):
                    value = msgspec.json.encode({"StudentId": "s-1", "State": state})
                    await client.send_and_wait(environment.student, value, b"s-1", partition_for(b"s-1", 6))
                await ends()
        events = (await there.get("/Record/s-1/History"))["Events"]
        assert [event["State"] for event in events] == ["LoggedIn"] * 10
