"""Programs that are not ours, on the same topic: librdkafka's clients stand for the .NET ones, which wrap them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME, Consumer, Message, Producer

from rollcall_domain.service.provision import ensure_topics
from rollcall_domain.topics import STUDENT
from support.services import PATIENCE, Environment, consumer, producer, updates


async def test_a_foreign_consumer_reads_the_golden_bytes(environment: Environment) -> None:
    before = int(time.time() * 1000)
    async with producer(environment) as service:
        await service.ready()
        async with httpx.AsyncClient(base_url=service.url) as client:
            for student_id, state in [("s-1", "LoggedIn"), ("s-1", "LoggedOut"), ("s-é", "LoggedIn")]:
                answer = await client.put("/Record/Update", json={"StudentId": student_id, "State": state})
                assert (answer.status_code, answer.content) == (200, b"")
    after = int(time.time() * 1000)
    messages = _consume(environment, 3)
    assert [(message.key(), message.value()) for message in messages if message.key() == b"s-1"] == [
        (b"s-1", b'{"StudentId":"s-1","State":0}'),
        (b"s-1", b'{"StudentId":"s-1","State":1}'),
    ]
    assert ["s-é".encode(), '{"StudentId":"s-é","State":0}'.encode()] in [[m.key(), m.value()] for m in messages]
    for message in messages:
        kind, milliseconds = message.timestamp()
        assert kind == TIMESTAMP_CREATE_TIME
        assert before <= milliseconds <= after


async def test_a_foreign_producers_records_are_handled(environment: Environment) -> None:
    async with consumer(environment) as worker:
        await worker.ready()
        with _foreign_producer(environment) as client:
            client.produce(environment.student, value=b'{"StudentId":"s-1","State":0}')  # null key, as the .NET one
            client.produce(environment.student, value=b'{"State":1,"StudentId":"s-2"}', key=b"anything")
        said = await worker.events_until(lambda events: len(updates(events)) == 2)
    assert sorted(event["event"] for event in updates(said)) == [
        "Student s-1 updated state to LoggedIn",
        "Student s-2 updated state to LoggedOut",
    ]


async def test_students_live_in_the_partition_where_the_java_rule_puts_them(environment: Environment) -> None:
    students = [f"student-{number}" for number in range(60)]
    async with producer(environment) as service:
        await service.ready()
        async with httpx.AsyncClient(base_url=service.url) as client:
            for student_id in students:
                await client.put("/Record/Update", json={"StudentId": student_id, "State": "LoggedIn"})
    ours = {message.key(): message.partition() for message in _consume(environment, len(students))}
    foreign = Environment(environment.servers, f"{environment.prefix}foreign.")
    await ensure_topics([STUDENT], foreign.producer())
    with _foreign_producer(foreign, partitioner="murmur2_random") as peer:
        for student_id in students:
            peer.produce(foreign.student, value=b"x", key=student_id)
    theirs = {message.key(): message.partition() for message in _consume(foreign, len(students))}
    assert ours == theirs


@contextmanager
def _foreign_producer(environment: Environment, **options: str) -> Iterator[Producer]:
    client = Producer({"bootstrap.servers": environment.servers, **options})
    yield client
    assert client.flush(PATIENCE) == 0


def _consume(environment: Environment, count: int) -> list[Message]:
    client = Consumer(
        {"bootstrap.servers": environment.servers, "group.id": environment.prefix, "auto.offset.reset": "earliest"}
    )
    client.subscribe([environment.student])
    try:
        messages: list[Message] = []
        while len(messages) < count:
            polled = client.consume(count - len(messages), timeout=PATIENCE)
            if not polled:
                pytest.fail(f"only {len(messages)} of {count} records came")
            messages += polled
        return messages
    finally:
        client.close()
