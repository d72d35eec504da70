import asyncio
import contextlib
import os
import signal
import tempfile
from collections import Counter
from pathlib import Path

import httpx
import pytest

from rollcall_dev.kafka import Broker
from rollcall_producer.registry import MEMORY
from rollcall_producer.tokens import Scope, make_token
from support.load import NO_ANSWER, Load, count_students, put
from support.log import create_topic
from support.metrics import Metrics, shown_by, until_shown
from support.services import Environment, Event, Service, executing, producer


def pids(service: Service) -> dict[int, int]:
    """Tell which process each worker is, or was last."""
    return {event["worker"]: event["pid"] for event in service.events if event["event"] == "Started a worker"}


async def all_connected(service: Service, count: int) -> None:
    """Wait until workers have connected to Kafka as often as a number says."""
    await service.events_until(lambda events: sum(map(connected, events)) >= count)


def connected(event: Event) -> bool:
    return bool(event["event"] == "Connected to Kafka")


async def test_workers_serve_at_one_address_and_say_which_they_are(environment: Environment) -> None:
    async with producer(environment, workers=3) as service:
        await service.ready()
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
            answers = await asyncio.gather(*(put(client, f"s-{number}") for number in range(300)))
            assert {answer.status_code for answer in answers} == {200}
        await all_connected(service, 3)
        for shown in await metrics_of_each(service.url):
            assert shown["rollcall_updates_total", "accepted"] == 300
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
            await until_shown(client, {("rollcall_requests_total", "PUT", "/Record/Update", "200"): 300})
        assert await service.end() == 0
    assert await count_students(environment) == {f"s-{number}": 1 for number in range(300)}
    assert [event["event"] for event in service.events].count("Serving HTTP") == 1
    assert {event["worker"] for event in service.events if connected(event)} == {1, 2, 3}
    assert len(set(pids(service).values())) == 3
    assert service.events[-1]["event"] == "Stopped"


async def metrics_of_each(url: str) -> list[Metrics]:
    """Ask for metrics on many connections, of which each worker has some."""
    answers = []
    for _ in range(12):
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            answers.append(await shown_by(client))
    return answers


async def test_metrics_are_the_sum_over_workers_and_count_on_after_one_has_ended(environment: Environment) -> None:
    async with producer(environment, workers=2) as service:
        await service.ready()
        await all_connected(service, 2)
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
            await asyncio.gather(*(put(client, f"s-{number}") for number in range(100)))
            await asyncio.gather(*(put(client, "") for number in range(10)))
        first = pids(service)
        for number, pid in first.items():
            os.kill(pid, signal.SIGKILL)
            await all_connected(service, 2 + number)
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
            await asyncio.gather(*(put(client, f"s-{number}") for number in range(50)))
        for shown in await metrics_of_each(service.url):
            assert shown["rollcall_updates_total", "accepted"] == 150
            assert shown["rollcall_batch_records_sum",] == 150
            assert shown["rollcall_problems_total", "invalid-value", "422"] == 10
            assert {worker for name, *labels in shown if name == "process_open_fds" for worker in labels} == {"1", "2"}
            assert shown["process_resident_memory_bytes", "1"] > 0
        assert await service.end() == 0


async def test_counters_never_go_back_while_workers_are_killed(environment: Environment) -> None:
    async with producer(environment, workers=2) as service:
        await service.ready()
        await all_connected(service, 2)
        async with Load(service.url) as load, httpx.AsyncClient(base_url=service.url, timeout=30) as client:
            seen = []
            for number in (1, 2):
                await load.answered(200, 50)
                os.kill(pids(service)[number], signal.SIGKILL)
                while sum(map(connected, service.events)) < 2 + number:
                    with contextlib.suppress(httpx.TransportError):
                        seen.append((await shown_by(client))["rollcall_updates_total", "accepted"])
        (shown, *_) = await metrics_of_each(service.url)
        assert sorted(seen) == seen
        answered = sum(answer.status == 200 for answer in load.answers)
        assert answered <= shown["rollcall_updates_total", "accepted"] <= len(load.answers)
        assert await service.end() == 0


@pytest.mark.parametrize("everybody", [False, True])
async def test_sigterm_finishes_the_requests_in_hand_of_all_workers(everybody: bool) -> None:  # noqa: FBT001
    with Broker() as broker:
        environment = Environment(broker.bootstrap_servers, "")
        async with producer(environment, workers=2, deadline_seconds=20) as service:
            await service.ready()
            await all_connected(service, 2)
            async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
                broker.pause()
                puts = [asyncio.create_task(put(client, f"s-{number}")) for number in range(20)]
                while (await shown_by(client))["rollcall_updates_in_flight",] < 20:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)  # a gauge can only be asked
                if everybody:  # as some do who end a service by all of its processes
                    for pid in pids(service).values():
                        os.kill(pid, signal.SIGTERM)
                service.send(signal.SIGTERM)
                await service.events_until(lambda events: sum(e["event"] == "Shutting down" for e in events) == 3)
                broker.resume()
                assert {(await answer).status_code for answer in puts} == {200}
            assert await service.end(None) == 0
        assert await count_students(environment) == Counter(f"s-{number}" for number in range(20))


async def test_a_killed_worker_is_replaced_under_load(environment: Environment) -> None:
    async with producer(environment, workers=2) as service:
        await service.ready()
        await all_connected(service, 2)
        async with Load(service.url) as load:
            await load.answered(200, 100)
            os.kill(pids(service)[1], signal.SIGKILL)
            said = await service.event(lambda event: event["event"] == "Replacing a worker")
            assert (said["worker"], said["ended"]) == (1, "by SIGKILL")
            await all_connected(service, 3)
            await load.answered(200, 100)
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
            answers = await asyncio.gather(*(put(client, f"t-{number}") for number in range(50)))
            assert {answer.status_code for answer in answers} == {200}
        assert await service.end() == 0
    assert {answer.status for answer in load.answers} <= {200, NO_ANSWER}
    log = await count_students(environment)
    assert {log[answer.student_id] for answer in load.answers if answer.status == 200} == {1}


async def test_connections_that_wait_outlast_the_workers_they_wait_for(environment: Environment) -> None:
    async with producer(environment, workers=2) as service:
        await service.ready()
        await all_connected(service, 2)
        first = pids(service)
        for pid in first.values():
            os.kill(pid, signal.SIGSTOP)
        waiting = [await sent(service.url, f"s-{number}") for number in range(40)]
        for pid in first.values():
            os.kill(pid, signal.SIGKILL)
        for reader, writer in waiting:
            assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
            writer.close()
            await writer.wait_closed()
    assert not {*first.values()} & {*pids(service).values()}
    assert await count_students(environment) == {f"s-{number}": 1 for number in range(40)}


async def sent(url: str, student_id: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send an update on a connection of its own, whether or not anybody takes that."""
    address = httpx.URL(url)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    body = f'{{"StudentId":"{student_id}","State":"LoggedIn"}}'
    head = f"PUT /Record/Update HTTP/1.1\r\nHost: {address.host}\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    await writer.drain()
    return reader, writer


async def test_a_worker_that_is_ended_by_itself_is_replaced(environment: Environment) -> None:
    async with producer(environment, workers=2) as service:
        await service.ready()
        await all_connected(service, 2)
        os.kill(pids(service)[2], signal.SIGTERM)
        said = await service.event(lambda event: event["event"] == "Replacing a worker")
        assert (said["worker"], said["ended"]) == (2, "with status 0")
        await all_connected(service, 3)
        assert await service.end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_no_worker_outlives_its_parent_and_nothing_is_left_behind(
    environment: Environment, number: signal.Signals
) -> None:
    async with producer(environment, workers=3) as service:
        await service.ready()
        assert len(shared(service)) == 1
        await service.end(number)  # returns once nobody can write to the log any more
    assert len(pids(service)) == 3
    assert shared(service) == []


def shared(service: Service) -> list[Path]:
    """Find the directory in which workers count."""
    places = (MEMORY, Path(tempfile.gettempdir()))
    return [found for place in places for found in place.glob(f"rollcall-{service.pid}-*")]


async def test_a_second_signal_ends_all_at_once() -> None:
    with Broker() as broker:
        environment = Environment(broker.bootstrap_servers, "")
        async with producer(environment, workers=2, deadline_seconds=300) as service:
            await service.ready()
            async with httpx.AsyncClient(base_url=service.url, timeout=None) as client:  # noqa: S113 - it breaks
                broker.pause()
                update = asyncio.create_task(put(client, "s-1"))
                service.send(signal.SIGTERM)
                await service.event(lambda event: event["event"] == "Shutting down")
                assert await service.end(signal.SIGTERM) == -signal.SIGTERM
                with pytest.raises(httpx.TransportError):
                    await update
        broker.resume()


async def test_all_workers_read_tokens_again_on_sighup(environment: Environment, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.touch()
    async with producer(environment, workers=3, tokens_file=tokens) as service:
        await service.ready()
        await all_connected(service, 3)
        token, line = make_token("gate", [Scope.WRITE], None)
        tokens.write_text(line)
        service.send(signal.SIGHUP)
        await service.events_until(lambda events: sum(event.get("tokens") == 1 for event in events) == 3)
        headers = {"Authorization": f"Bearer {token}"}
        for number in range(12):  # each on a connection of its own
            async with httpx.AsyncClient(base_url=service.url, headers=headers, timeout=30) as client:
                assert (await put(client, f"s-{number}")).status_code == 200
        assert await service.end() == 0


async def test_what_no_worker_can_start_with_ends_all(environment: Environment) -> None:
    await create_topic(environment.servers, environment.student, 2)
    async with producer(environment, workers=3) as service:
        assert await service.end(None) == 1
    reasons = {event["reason"] for event in service.events if event["event"] == "Ended"}
    assert [reason[: reason.index(":")] for reason in reasons] == [
        f"topic {environment.student} has 2 partitions and not 6"
    ]


async def test_refuses_settings_and_ports_that_it_cannot_use_in_one_line(environment: Environment) -> None:
    for workers in ("0", "many"):
        async with executing("-m", "rollcall_producer", "--workers", workers) as service:
            assert await service.end(None) == 78
        (event,) = service.events
        assert event["event"].startswith("ROLLCALL_WORKERS: expected `int`")
    async with producer(environment, workers=3) as first:
        await first.ready()
        port = httpx.URL(first.url).port
        async with producer(environment, workers=3, port=port) as service:
            assert await service.end(None) == 78
        assert [event["event"] for event in service.events] == [
            f"ROLLCALL_PORT: can't listen on 127.0.0.1:{port}: Address already in use"
        ]
    async with producer(environment, workers=3, host="0.0.0.0") as service:  # noqa: S104 - refused
        assert await service.end(None) == 78
    assert len(service.events) == 1
