import asyncio
import signal
from collections import Counter
from collections.abc import Callable

import httpx
from aiokafka import AIOKafkaProducer

from rollcall_dev.kafka import Broker
from rollcall_domain.service.provision import ensure_topics
from rollcall_domain.topics import DEAD_LETTERS, STUDENT
from support.log import create_topic, read_all, write
from support.services import Environment, Event, Service, consumer, running, until, updates

Record = tuple[bytes | None, bytes | None]


def update(student: str, state: int = 0) -> Record:
    return student.encode(), b'{"StudentId":"%b","State":%d}' % (student.encode(), state)


def students(event: Event) -> str:
    return str(event["event"].split()[1])


async def _topics(environment: Environment) -> None:
    await ensure_topics([STUDENT, DEAD_LETTERS], environment.consumer())


async def test_says_what_the_net_consumer_says(environment: Environment) -> None:
    async with consumer(environment, group="office") as worker:
        await worker.ready()
        await write(environment.servers, environment.student, [update("s-1"), update("s-1", 1)])
        said = await worker.events_until(lambda events: len(updates(events)) == 2)
        assert await worker.end() == 0
    (start,) = [event for event in said if event["event"] == "Running consumer"]
    assert (start["group"], start["topic"]) == (f"{environment.prefix}office", environment.student)
    assert [event["event"] for event in updates(said)] == [
        "Student s-1 updated state to LoggedIn",
        "Student s-1 updated state to LoggedOut",
    ]
    first, second = updates(said)
    assert first["topic"] == environment.student
    assert first["partition"] == second["partition"]
    assert second["offset"] == first["offset"] + 1


async def test_a_group_goes_on_where_it_was_and_another_begins_at_the_first_event(environment: Environment) -> None:
    await _topics(environment)
    await write(environment.servers, environment.student, [update(f"s-{number}") for number in range(20)])
    async with consumer(environment) as worker:
        await worker.events_until(lambda events: len(updates(events)) == 20)
        assert await worker.end() == 0
    await write(environment.servers, environment.student, [update("s-new")])
    async with consumer(environment) as worker, consumer(environment, group="2") as other:
        await worker.ready()
        assert [students(event) for event in updates(worker.events)] == ["s-new"]
        await other.ready()
        assert len(updates(other.events)) == 21


async def test_what_cannot_be_read_is_kept_and_the_worker_goes_on(environment: Environment) -> None:
    await _topics(environment)
    broken: list[Record] = [(b"k", b"\xff\x00"), (None, b'{"StudentId":"s-1","State":7}'), (b"", b'{"StudentId":""}')]
    silent: list[Record] = [(b"s-1", None), (b"s-1", b"")]
    await write(environment.servers, environment.student, [*broken, *silent, update("s-1")], partition=4)
    async with consumer(environment) as worker:
        await worker.ready()
        async with httpx.AsyncClient(base_url=worker.url) as client:
            metrics = (await client.get("/metrics")).text
        assert [students(event) for event in updates(worker.events)] == ["s-1"]
    letters = await read_all(environment.servers, environment.dead_letters)
    assert [(letter.key, letter.value) for letter in letters] == broken
    for offset, letter in enumerate(letters):
        headers = {name: value.decode() for name, value in letter.headers}
        assert letter.partition == 4
        assert headers["dead-letter.topic"] == environment.student
        assert (headers["dead-letter.partition"], headers["dead-letter.offset"]) == ("4", str(offset))
        assert headers["dead-letter.group"] == f"{environment.prefix}1"
        assert headers["dead-letter.detail"]
        assert int(headers["dead-letter.timestamp"]) <= letter.timestamp
    reasons = Counter(dict(letter.headers)["dead-letter.reason"].decode() for letter in letters)
    assert reasons == {"not-json": 1, "not-an-update": 2}
    assert 'rollcall_dead_letters_total{reason="not-an-update"} 2.0' in metrics
    assert 'rollcall_records_total{partition="4"} 6.0' in metrics


async def test_the_largest_record_that_kafka_takes_is_kept_if_it_cannot_be_read(environment: Environment) -> None:
    await _topics(environment)
    largest = b"x" * (1024 * 1024 - 100)
    async with AIOKafkaProducer(bootstrap_servers=environment.servers, max_request_size=2**21) as client:
        await client.send_and_wait(environment.student, largest)
    async with consumer(environment) as worker:
        await worker.ready()
    (letter,) = await read_all(environment.servers, environment.dead_letters)
    assert letter.value == largest


async def test_goes_on_by_itself_after_kafka_was_away() -> None:
    with Broker() as broker:
        environment = Environment(broker.bootstrap_servers, "")
        async with consumer(environment) as worker:
            await worker.ready()
            await _handle_each_once(environment, [worker], "before")
            broker.kill()
            await worker.event(lambda event: event["event"] == "Kafka does not answer")
            async with httpx.AsyncClient(base_url=worker.url) as client:
                assert (await client.get("/livez")).status_code == 200
                assert (await client.get("/readyz")).json()["reason"] == "Kafka does not answer"
            await asyncio.to_thread(broker.start)
            await worker.ready()
            await _handle_each_once(environment, [worker], "after")
            assert await worker.end() == 0


async def test_replicas_share_the_work_and_one_that_leaves_is_replaced_at_once(environment: Environment) -> None:
    async with consumer(environment) as first, consumer(environment) as second:
        replicas = [first, second]
        await asyncio.gather(*(replica.event(_holds(3)) for replica in replicas))
        await asyncio.gather(*(replica.ready() for replica in replicas))
        await _handle_each_once(environment, replicas, "early")
        assert all(updates(replica.events) for replica in replicas)
        assert await first.end() == 0
        async with asyncio.timeout(5):
            await second.event(_holds(6))
        await _handle_each_once(environment, [first, second], "late")


async def test_a_replica_that_is_killed_is_replaced(environment: Environment) -> None:
    async with consumer(environment) as first, consumer(environment) as second:
        await asyncio.gather(*(replica.event(_holds(3)) for replica in (first, second)))
        await first.end(signal.SIGKILL)
        await second.event(_holds(6))
        await _handle_each_once(environment, [second], "late")


async def test_without_kafka_a_replica_is_alive_but_not_ready(environment: Environment) -> None:
    environment = Environment("127.0.0.1:1", environment.prefix)
    async with consumer(environment) as worker:
        await worker.event(lambda event: event["event"] == "Waiting for Kafka")
        async with httpx.AsyncClient(base_url=worker.url) as client:
            assert (await client.get("/livez")).status_code == 200
            answer = await client.get("/readyz")
        reason = "can't use Kafka at 127.0.0.1:1: no connection: Connection refused"
        assert (answer.status_code, answer.json()["reason"]) == (503, reason)
        assert await worker.end() == 0


async def test_a_replica_beyond_the_partitions_is_ready_and_idle(environment: Environment) -> None:
    async with (
        consumer(environment, partitions=1) as first,
        consumer(environment, partitions=1) as second,
    ):
        await asyncio.gather(first.event(_took), second.event(_took))
        await asyncio.gather(first.ready(), second.ready())
        assert sorted([_held(first), _held(second)]) == [[], [0]]


async def test_refuses_topics_of_another_layout_in_one_line(environment: Environment) -> None:
    await create_topic(environment.servers, environment.student, 2)
    async with consumer(environment) as worker:
        assert await worker.end(None) == 1
        assert "has 2 partitions and not 6" in worker.events[-1]["reason"]


async def test_says_how_it_is_used() -> None:
    async with running("rollcall_consumer", "--help") as command:
        assert await command.end(None) == 0
    said = "\n".join(event["event"] for event in command.events)
    assert "ROLLCALL_GROUP  consumer group" in said
    async with running("rollcall_consumer", "run", "cook") as command:
        assert await command.end(None) == 2
    assert "'cook' is not one of 'narrate', 'notify', 'record'" in command.events[-1]["event"]


def _holds(count: int) -> Callable[[Event], bool]:
    return lambda event: _took(event) and len(event["partitions"]) == count


def _took(event: Event) -> bool:
    return bool(event["event"] == "Took partitions")


def _held(replica: Service) -> list[int]:
    """Give the partitions that a replica took last."""
    taken = [event["partitions"] for event in replica.events if event["event"] == "Took partitions"]
    return list(taken[-1]) if taken else []


async def _handle_each_once(environment: Environment, replicas: list[Service], name: str) -> None:
    """Write updates of 60 students, and wait until the replicas have handled each once in all, in order."""
    names = [f"{name}-{number}" for number in range(60)]
    await write(environment.servers, environment.student, [update(s, turn) for turn in (0, 1) for s in names])

    def handled() -> list[str]:
        said = [event["event"] for replica in replicas for event in updates(replica.events)]
        return [line for line in said if f" {name}-" in line]

    await until(replicas, lambda: len(handled()) >= 120)
    assert Counter(handled()) == Counter(
        f"Student {student} updated state to {state}" for student in names for state in ("LoggedIn", "LoggedOut")
    )
    for student in names:
        assert [line.split()[-1] for line in handled() if f" {student} " in line] == ["LoggedIn", "LoggedOut"]
