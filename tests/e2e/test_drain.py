"""Batch runs: what is there is handled, and then it is over."""

import asyncio
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer

from rollcall_dev.kafka import ports
from rollcall_domain.partition import partition_for
from rollcall_domain.service.provision import ensure_topics
from rollcall_domain.topics import STUDENT
from support.log import read_all
from support.services import Environment, consumer, running

Report = dict[str, Any]


async def _write(environment: Environment, count: int, *, first: int = 0, foreign: bool = False) -> None:
    """Write a login of each of so many students; as a foreign producer does, without a key and to any partition."""
    await ensure_topics([STUDENT], environment.consumer())
    async with AIOKafkaProducer(bootstrap_servers=environment.servers, acks="all") as client:
        for number in range(first, first + count):
            key, value = b"s-%d" % number, b'{"StudentId":"s-%d","State":0}' % number
            index = number % 6 if foreign else partition_for(key, 6)
            await client.send(environment.student, value, None if foreign else key, index)
        await client.flush()


async def _poison(environment: Environment, count: int) -> None:
    async with AIOKafkaProducer(bootstrap_servers=environment.servers, acks="all") as client:
        for _ in range(count):
            await client.send_and_wait(environment.student, b"no update", partition=3)


async def _drain(environment: Environment, *arguments: str, **settings: object) -> tuple[int, Report]:
    async with running("rollcall_consumer", "drain", "--json", *arguments, **environment.variables(**settings)) as run:
        status = await run.end(None)
    return status, msgspec.json.decode(msgspec.json.encode(run.events[-1]))


async def _students(environment: Environment) -> list[str]:
    """Name the students of whom there is a record, once for each time that it was written."""
    records = await read_all(environment.servers, environment.prefix + "Student.State", committed=True)
    return sorted((record.key or b"").decode() for record in records)


async def test_a_run_handles_what_is_there_and_the_next_one_what_has_come_since(environment: Environment) -> None:
    await _write(environment, 500)
    await _poison(environment, 3)
    status, report = await _drain(environment)
    assert (status, report["Drained"], report["Reason"]) == (0, True, None)
    assert (report["LagBefore"], report["LagAfter"], report["Records"], report["DeadLetters"]) == (503, 0, 503, 3)
    assert report["Written"][f"{environment.prefix}Student.State"] == 500
    assert len(await _students(environment)) == 500
    status, report = await _drain(environment)
    assert (status, report["LagBefore"], report["LagAfter"], report["Records"], report["Written"]) == (0, 0, 0, 0, {})
    await _write(environment, 20, first=500)
    status, report = await _drain(environment)
    assert (status, report["LagBefore"], report["LagAfter"], report["Records"]) == (0, 20, 0, 20)
    assert len(set(await _students(environment))) == 520


async def test_what_a_run_sends_on_to_another_partition_it_handles_there_as_well(environment: Environment) -> None:
    await _write(environment, 60, foreign=True)
    status, report = await _drain(environment)
    forwarded = sum(number % 6 != partition_for(b"s-%d" % number, 6) for number in range(60))
    assert (status, report["Forwarded"], report["Records"]) == (0, forwarded, 60 + forwarded)
    assert await _students(environment) == sorted(f"s-{number}" for number in range(60))


async def test_runs_beside_each_other_and_beside_a_replica_share_the_work(environment: Environment) -> None:
    await _write(environment, 1000)
    async with consumer(environment, log_records=False, rate=2000) as worker:
        await worker.event(lambda event: event["event"] == "Took partitions")
        results = await asyncio.gather(_drain(environment), _drain(environment))
        assert [(status, report["LagAfter"]) for status, report in results] == [(0, 0), (0, 0)]
    assert await _students(environment) == sorted(f"s-{number}" for number in range(1000))


async def test_a_run_ends_where_the_log_ended_when_it_began(environment: Environment) -> None:
    await _write(environment, 100)
    async with running("rollcall_consumer", "drain", "--json", **environment.variables(rate=20)) as run:
        records = await _until_written(environment, 10)
        await _write(environment, 100, first=100)
        assert await run.end(None) == 0
    report = msgspec.json.decode(msgspec.json.encode(run.events[-1]))
    assert len(records) < 100
    assert (report["Records"], report["LagBefore"], report["LagAfter"]) == (100, 100, 100)


async def _until_written(environment: Environment, count: int) -> list[str]:
    async with asyncio.timeout(30):
        while True:
            try:
                students = await _students(environment)
            except KeyError:  # there is no such topic yet
                students = []
            if len(students) >= count:
                return students
            await asyncio.sleep(0.05)


async def test_a_run_that_can_t_go_on_says_why(environment: Environment) -> None:
    await _write(environment, 10)
    await _poison(environment, 5)
    status, report = await _drain(environment, dead_letter_run=2)
    assert (status, report["Drained"], report["LagAfter"]) == (1, False, 3)
    assert report["Reason"] == "partition 3: more than 2 records one after the other can't be handled"
    assert len(await _students(environment)) == 10


async def test_a_partition_that_stops_holds_up_no_other(environment: Environment) -> None:
    await _write(environment, 0)
    await _poison(environment, 3)
    await _write(environment, 60)
    status, report = await _drain(environment, dead_letter_run=2, rate=30)
    students = [f"s-{number}" for number in range(60)]
    others = [student for student in students if partition_for(student.encode(), 6) != 3]
    assert (status, report["Drained"], report["LagAfter"]) == (1, False, 1 + len(students) - len(others))
    assert report["Reason"] == "partition 3: more than 2 records one after the other can't be handled"
    assert await _students(environment) == sorted(others)


async def test_a_run_that_takes_too_long_is_given_up_and_the_next_one_goes_on(environment: Environment) -> None:
    await _write(environment, 100)
    status, report = await _drain(environment, "--timeout", "10", rate=1)
    assert (status, report["Reason"]) == (1, "not done within 10 s")
    assert 0 < report["LagAfter"] == 100 - report["Records"]
    status, report = await _drain(environment)
    assert (status, report["LagAfter"]) == (0, 0)
    assert await _students(environment) == sorted(f"s-{number}" for number in range(100))


async def test_a_run_without_kafka_says_so_and_ends(environment: Environment) -> None:
    nowhere = f"127.0.0.1:{ports.choose()}"
    status, report = await _drain(environment, bootstrap_servers=nowhere)
    assert status == 1
    assert report["Reason"].startswith(f"can't use Kafka at {nowhere}: no connection")


async def test_people_are_told_in_words(environment: Environment) -> None:
    await _write(environment, 12)
    async with running("rollcall_consumer", "drain", **environment.variables()) as run:
        assert await run.end(None) == 0
    lines = [event["event"] for event in run.events]
    assert lines[0] == f"group {environment.prefix}1: drained"
    assert lines[1].endswith("s; lag 12 before, 0 after")
    assert lines[2] == "  handled here 12, of which 0 repeated, 0 forwarded, 0 dead letters"
    assert f"  written to {environment.prefix}Student.State 12" in lines
