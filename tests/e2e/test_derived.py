"""What a consumer derives from updates, as those see it who read its topics."""

import asyncio
import signal
import time
from collections import Counter
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from rollcall_domain.partition import partition_for
from rollcall_domain.service.provision import ensure_topics
from rollcall_domain.topics import DEAD_LETTERS, STUDENT
from support.log import read_all
from support.services import Environment, Service, consumer

IN, OUT = 0, 1
MINUTE = 60_000
START = int(time.time() * 1000) // MINUTE * MINUTE - 60 * MINUTE

Update = tuple[str, int, int]
"""StudentId, state, and minutes after the start."""


async def test_a_record_its_minutes_and_an_alert(environment: Environment) -> None:
    await _write(environment, ("s-1", IN, 0), ("s-1", OUT, 30), ("s-1", IN, 40), ("s-1", IN, 41))
    async with consumer(environment) as worker:
        await worker.ready()
    assert await _values(environment, "Student.State") == {
        "s-1": {
            "StudentId": "s-1",
            "State": IN,
            "Since": START + 40 * MINUTE,
            "Seen": START + 41 * MINUTE,
            "Logins": 3,
            "Total": 30 * MINUTE,
            "Version": 3,
            "Recent": [START + 40 * MINUTE, START + 41 * MINUTE],
        }
    }
    partition = partition_for(b"s-1", 6)
    minutes = {0: (1, 0), 30: (0, 1), 40: (1, 0), 41: (1, 0)}
    assert await _values(environment, "Student.Activity") == {
        f"{partition}-{START + minute * MINUTE}": {
            "Partition": partition,
            "Start": START + minute * MINUTE,
            "Logins": logins,
            "Logouts": logouts,
        }
        for minute, (logins, logouts) in minutes.items()
    }
    (alert,) = (await _values(environment, "Student.Alerts")).values()
    assert len(alert.pop("Id")) == 32
    assert alert == {
        "Rule": "two-places",
        "StudentId": "s-1",
        "At": START + 41 * MINUTE,
        "Cause": "id-3",
        "Detail": "logged in while logged in",
    }


async def test_who_stays_too_long_is_told_by_the_clock_although_nothing_comes(environment: Environment) -> None:
    await _write(environment, ("s-1", IN, 60), ("s-2", IN, 0), ("s-2", OUT, 0))
    limit = (time.time() * 1000 - START - 60 * MINUTE + 3000) / (60 * MINUTE)
    async with consumer(environment, too_long_hours=limit) as worker:
        await worker.ready()
        async with asyncio.timeout(20):
            while not (alerts := await _values(environment, "Student.Alerts")):  # noqa: ASYNC110 - can only be read
                await asyncio.sleep(0.2)
    assert [(alert["Rule"], alert["Cause"]) for alert in alerts.values()] == [("too-long", str(START + 60 * MINUTE))]
    states = await _values(environment, "Student.State")
    assert states["s-1"]["Raised"] == ["too-long"]


async def test_producers_with_any_key_and_partitioner_give_the_right_state(environment: Environment) -> None:
    await _topics(environment)
    async with AIOKafkaProducer(bootstrap_servers=environment.servers, acks="all") as client:
        for turn in range(6):
            for number in range(20):
                value = b'{"StudentId":"f-%d","State":%d}' % (number, turn % 2)
                await client.send_and_wait(environment.student, value, None, number % 6, START + turn * MINUTE)
    async with consumer(environment) as worker:
        await worker.ready()
        await _until_counted(environment, 60)
    states = await _values(environment, "Student.State")
    assert len(states) == 20
    assert {(state["State"], state["Logins"], state["Total"]) for state in states.values()} == {(OUT, 3, 3 * MINUTE)}


async def test_each_group_derives_topics_of_its_own(environment: Environment) -> None:
    await _write(environment, ("s-1", IN, 0))
    async with consumer(environment) as first, consumer(environment, group="office") as second:
        await asyncio.gather(first.ready(), second.ready())
    assert await _values(environment, "Student.State") == await _values(environment, "office.Student.State")
    assert len(await _values(environment, "office.Student.State")) == 1


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
async def test_one_effect_each_while_replicas_come_and_go(environment: Environment, end: signal.Signals) -> None:
    students, turns = 60, 40
    await _topics(environment)
    async with consumer(environment, log_records=False) as first:
        await first.ready()
        writing = asyncio.create_task(_write_in_turns(environment, students, turns))
        async with (
            consumer(environment, log_records=False) as second,
            consumer(environment, log_records=False) as third,
        ):
            await asyncio.gather(*(_took(replica) for replica in (second, third)))
            await asyncio.gather(second.end(end), third.end(end))
        await writing
        await _until_counted(environment, students * turns // 2)
    records = await read_all(environment.servers, environment.prefix + "Student.State", committed=True)
    versions: dict[bytes | None, list[int]] = {}
    for record in records:
        versions.setdefault(record.key, []).append(msgspec.json.decode(record.value or b"")["Version"])
    assert all(seen == sorted(set(seen)) for seen in versions.values())
    states = await _values(environment, "Student.State")
    assert Counter((state["State"], state["Logins"]) for state in states.values()) == {(OUT, turns // 2): students}
    minutes = (await _values(environment, "Student.Activity")).values()
    assert sum(minute["Logins"] for minute in minutes) == sum(minute["Logouts"] for minute in minutes) == students * 20


async def test_one_effect_each_while_a_replica_is_frozen_and_thawed_after_it_was_replaced(
    environment: Environment,
) -> None:
    students, turns = 30, 20
    await _topics(environment)
    async with consumer(environment, log_records=False) as first, consumer(environment, log_records=False) as second:
        await asyncio.gather(_took(first), _took(second))
        await asyncio.gather(first.ready(), second.ready())
        writing = asyncio.create_task(_write_in_turns(environment, students, turns))
        await _until_counted(environment, students)
        first.send(signal.SIGSTOP)
        await second.event(lambda event: event["event"] == "Took partitions" and len(event["partitions"]) == 6)
        await writing
        await _until_counted(environment, students * turns // 2)
        await _write_in_turns(environment, students, turns, first=students * turns)
        taken = len(second.events)
        first.send(signal.SIGCONT)
        await second.events_until(lambda events: any(e["event"] == "Took partitions" for e in events[taken:]))
        await asyncio.gather(first.ready(), second.ready())
        await _until_counted(environment, students * turns)
    states = await _values(environment, "Student.State")
    assert Counter((state["State"], state["Logins"]) for state in states.values()) == {(OUT, turns): students}
    assert sum(minute["Logins"] for minute in (await _values(environment, "Student.Activity")).values()) == (
        students * turns
    )


async def _took(replica: Service) -> None:
    await replica.event(lambda event: event["event"] == "Took partitions" and bool(event["partitions"]))


async def _write_in_turns(environment: Environment, students: int, turns: int, first: int = 0) -> None:
    """Have students log in and out for as long as it takes others to come and go."""
    for turn in range(turns):
        await _write(
            environment, *((f"s-{number}", turn % 2, turn) for number in range(students)), first=first + turn * students
        )
        await asyncio.sleep(0.1)


async def _topics(environment: Environment) -> None:
    await ensure_topics([STUDENT, DEAD_LETTERS], environment.consumer())


async def _write(environment: Environment, *updates: Update, first: int = 0) -> None:
    """Write updates as the API does, with ids that are counted."""
    await _topics(environment)
    async with AIOKafkaProducer(bootstrap_servers=environment.servers, acks="all") as client:
        for number, (student, state, minutes) in enumerate(updates, first):
            value = b'{"StudentId":"%b","State":%d}' % (student.encode(), state)
            await client.send(
                environment.student,
                value,
                student.encode(),
                timestamp_ms=START + minutes * MINUTE,
                headers=[("id", b"id-%d" % number)],
            )
        await client.flush()


async def _values(environment: Environment, topic: str) -> dict[str, Any]:
    """Read the last value of each key, as far as it is committed."""
    records = await read_all(environment.servers, environment.prefix + topic, committed=True)
    return {(record.key or b"").decode(): msgspec.json.decode(record.value or b"") for record in records}


async def _until_counted(environment: Environment, logins: int) -> None:
    """Wait until so many logins have had their effect."""
    async with asyncio.timeout(60):
        while sum(state["Logins"] for state in (await _values(environment, "Student.State")).values()) < logins:  # noqa: ASYNC110 - can only be read
            await asyncio.sleep(0.2)
