import asyncio
import signal
import socket
from collections import Counter, defaultdict

import httpx
import msgspec
import pytest

from rollcall_dev.kafka import Broker
from rollcall_domain.partition import partition_for
from support.load import Load, count_students, put
from support.log import add_partitions, configure_topic, create_topic, read_all, recreate_topic
from support.raw import connect, get
from support.raw import put as raw_put
from support.services import PATIENCE, Environment, producer, running

UPDATE = b'{"StudentId":"s-1","State":"LoggedIn"}'


async def test_every_acknowledged_update_is_in_the_log_in_the_order_of_its_student(environment: Environment) -> None:
    async def log_in_and_out(client: httpx.AsyncClient, student_id: str) -> None:
        for turn in range(10):
            state = "LoggedOut" if turn % 2 else "LoggedIn"
            assert (await put(client, student_id, state)).status_code == 200

    async with producer(environment) as service:
        await service.ready()
        async with httpx.AsyncClient(base_url=service.url) as client:
            await asyncio.gather(*(log_in_and_out(client, f"s-{number}") for number in range(50)))
    states = defaultdict(list)
    for record in await read_all(environment.servers, environment.student):
        update = msgspec.json.decode(record.value or b"")
        assert record.key == update["StudentId"].encode()
        states[update["StudentId"]].append(update["State"])
    assert states == {f"s-{number}": [0, 1] * 5 for number in range(50)}


async def test_answers_within_the_deadline_while_kafka_is_away_and_recovers_by_itself() -> None:
    deadline = 1.0
    with Broker() as broker:
        environment = Environment(broker.bootstrap_servers, "")
        async with producer(environment, deadline_seconds=deadline) as service:
            await service.ready()
            async with Load(service.url) as load, httpx.AsyncClient(base_url=service.url) as client:
                await load.answered(200, 50)
                broker.kill()
                await load.answered(503, 50)
                assert (await client.get("/livez")).status_code == 200
                assert "Kafka" in await _unready(client)
                await asyncio.to_thread(broker.start)
                await service.ready()
                await load.answered(200, 50)
        log = await count_students(environment)
    assert {answer.status for answer in load.answers} == {200, 503}
    assert max(answer.seconds for answer in load.answers) < deadline + 3
    for answer in load.answers:
        if answer.status == 200:
            assert log[answer.student_id] == 1
        elif answer.problem["outcome"] == "not-written":
            assert log[answer.student_id] == 0
        else:
            assert answer.problem["outcome"] == "unknown"
    assert {answer.retry_after for answer in load.answers if answer.status == 503} == {"1"}


async def test_splits_a_batch_that_the_topic_has_become_too_small_for(environment: Environment) -> None:
    async with producer(environment) as service:
        await service.ready()
        configure_topic(environment.servers, environment.student, "max.message.bytes", "4000")
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
            answers = await asyncio.gather(*(put(client, "x" * 250) for _ in range(100)))
            assert {answer.status_code for answer in answers} == {200}
            metrics = (await client.get("/metrics")).text
    assert "rollcall_client_replacements_total 0.0" not in metrics
    assert await count_students(environment) == {"x" * 250: 100}


async def test_a_record_that_the_topic_has_become_too_small_for_is_refused_and_harms_no_other(
    environment: Environment,
) -> None:
    async with producer(environment) as service:
        await service.ready()
        configure_topic(environment.servers, environment.student, "max.message.bytes", "400")
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
            first = await put(client, "x" * 250)
            assert (first.status_code, first.json()["outcome"]) == (503, "not-written")
            assert "too large" in first.json()["detail"]
            await service.ready()
            second = await put(client, "x" * 250)
            assert (second.status_code, second.json()["type"]) == (413, "urn:rollcall:problem:record-too-large")
            assert {(await put(client, f"s-{number}")).status_code for number in range(20)} == {200}
    assert await count_students(environment) == {f"s-{number}": 1 for number in range(20)}


async def test_sigterm_finishes_the_requests_in_hand() -> None:
    with Broker() as broker:
        environment = Environment(broker.bootstrap_servers, "")
        async with producer(environment, deadline_seconds=20, shutdown_delay_seconds=0.5) as service:
            await service.ready()
            async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
                broker.pause()
                puts = [asyncio.create_task(put(client, f"s-{number}", "LoggedIn")) for number in range(20)]
                while "rollcall_updates_in_flight 20.0" not in (await client.get("/metrics")).text:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)  # a gauge can only be asked
                service.send(signal.SIGTERM)
                await service.event(lambda event: event["event"] == "Shutting down")
                assert (await client.get("/readyz")).json()["reason"] == "shutting down"
                broker.resume()
                assert {(await put).status_code for put in puts} == {200}
            assert await service.end(None) == 0
        assert await count_students(environment) == Counter({f"s-{number}": 1 for number in range(20)})


async def test_sigterm_closes_idle_connections_at_once_and_others_with_their_answer() -> None:
    with Broker() as broker:
        environment = Environment(broker.bootstrap_servers, "")
        async with producer(environment, deadline_seconds=20) as service:
            await service.ready()
            async with connect(service.url) as fresh, connect(service.url) as idle, connect(service.url) as busy:
                assert "connection" not in (await idle.ask(raw_put(UPDATE))).headers
                broker.pause()
                busy.write(raw_put(UPDATE))
                while b"rollcall_updates_in_flight 1.0" not in (await idle.ask(get("/metrics"))).body:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)  # a gauge can only be asked
                service.send(signal.SIGTERM)
                assert await fresh.end() == await idle.end() == b""
                broker.resume()
                answer = await busy.answer()
                assert (answer.status, answer.headers["connection"]) == (200, "close")
                assert await busy.end() == b""
            assert await service.end(None) == 0


async def test_sigterm_ends_it_also_while_kafka_is_frozen() -> None:
    with Broker() as broker:
        environment = Environment(broker.bootstrap_servers, "")
        async with producer(environment, deadline_seconds=0.5) as service:
            await service.ready()
            async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
                await asyncio.gather(*(put(client, f"s-{number}") for number in range(20)))
                broker.pause()
                answers = await asyncio.gather(*(put(client, f"s-{number}") for number in range(20)))
                assert {answer.status_code for answer in answers} == {503}
            async with asyncio.timeout(10):
                assert await service.end() == 0
        broker.resume()


async def test_readiness_tells_that_kafka_is_away_also_without_a_request() -> None:
    with Broker() as broker:
        environment = Environment(broker.bootstrap_servers, "")
        async with producer(environment, deadline_seconds=0.5) as service:
            await service.ready()
            broker.kill()
            async with httpx.AsyncClient(base_url=service.url) as client:
                assert await _unready(client) == "Kafka does not answer"
            await asyncio.to_thread(broker.start)
            await service.ready()


@pytest.mark.parametrize("partitions", [2, 9])
async def test_follows_a_topic_that_is_made_anew_with_other_partitions(
    environment: Environment, partitions: int
) -> None:
    async with producer(environment) as service:
        await service.ready()
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
            await put(client, "s-1")
            await recreate_topic(environment.servers, environment.student, partitions)
            await service.event(lambda event: event.get("partitions") == partitions and event.get("before") == 6)
            students = [f"s-{number}" for number in range(60)]
            while {answer.status_code for answer in await asyncio.gather(*(put(client, s) for s in students))} != {200}:
                pass
    records = await read_all(environment.servers, environment.student, partitions)
    latest = {record.key: record.partition for record in records}
    assert latest == {student.encode(): partition_for(student.encode(), partitions) for student in students}


async def test_follows_partitions_that_are_added(environment: Environment) -> None:
    async with producer(environment) as service:
        await service.ready()
        async with httpx.AsyncClient(base_url=service.url) as client:
            assert (await put(client, "s-1")).status_code == 200
            add_partitions(environment.servers, environment.student, 9)
            await service.event(lambda event: event.get("partitions") == 9 and event.get("before") == 6)
            answers = await asyncio.gather(*(put(client, f"s-{number}") for number in range(60)))
            assert {answer.status_code for answer in answers} == {200}
    records = await read_all(environment.servers, environment.student, 9)
    assert {record.partition for record in records} == set(range(9))


async def test_starts_before_kafka_and_serves_once_it_is_there() -> None:
    with Broker() as broker:
        broker.stop()
        environment = Environment(broker.bootstrap_servers, "")
        async with producer(environment, deadline_seconds=0.2) as service:
            await service.event(lambda event: event["event"] == "Waiting for Kafka")
            async with httpx.AsyncClient(base_url=service.url) as client:
                answer = await put(client, "s-1", "LoggedIn")
                assert (answer.status_code, answer.json()["outcome"]) == (503, "not-written")
                await asyncio.to_thread(broker.start)
                await service.ready()
                assert (await put(client, "s-1", "LoggedIn")).status_code == 200


async def test_refuses_a_topic_of_another_layout_in_one_line(environment: Environment) -> None:
    await create_topic(environment.servers, environment.student, 2)
    async with producer(environment) as service:
        assert await service.end(None) == 1
        assert f"topic {environment.student} has 2 partitions and not 6" in service.events[-1]["reason"]


async def test_refuses_settings_and_ports_that_it_cannot_use_in_one_line(environment: Environment) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with producer(environment, port=port) as service:
            assert await service.end(None) == 78
    assert [event["event"] for event in service.events] == [
        f"ROLLCALL_PORT: can't listen on 127.0.0.1:{port}: Address already in use"
    ]
    async with running("rollcall_producer", ROLLCALL_PROT="8000") as service:
        assert await service.end(None) == 78
    assert [event["event"] for event in service.events] == ["ROLLCALL_PROT: no such setting; is ROLLCALL_PORT meant?"]
    async with producer(environment, trusted_proxies="10.0.0.1, proxy") as service:
        assert await service.end(None) == 78
    assert [event["event"] for event in service.events] == [
        "ROLLCALL_TRUSTED_PROXIES: 'proxy' does not appear to be an IPv4 or IPv6 network"
    ]


async def test_counts_what_it_does(environment: Environment) -> None:
    async with producer(environment) as service:
        await service.ready()
        async with httpx.AsyncClient(base_url=service.url) as client:
            await put(client, "s-1", "LoggedIn")
            await put(client, "", "LoggedIn")
            metrics = (await client.get("/metrics")).text
    assert 'rollcall_updates_total{outcome="accepted"} 1.0' in metrics
    assert 'rollcall_problems_total{kind="invalid-value",status="422"} 1.0' in metrics
    assert "process_resident_memory_bytes" in metrics


async def _unready(client: httpx.AsyncClient) -> str:
    """Wait until it says that it is not ready, and why."""
    async with asyncio.timeout(PATIENCE):
        while (answer := await client.get("/readyz")).status_code == 200:  # noqa: ASYNC110 - can only be asked
            await asyncio.sleep(0.05)
    return str(answer.json()["reason"])
