"""The stream where things go wrong: Kafka is away, viewers do not read, replicas end, generations change."""

import asyncio
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from time import monotonic

import httpx
import pytest

from rollcall_consumer.runtime.orders import give
from rollcall_consumer.settings import ConsumerSettings, of_generation
from rollcall_dev.kafka import Broker
from rollcall_dev.viewers import Message, Viewer, viewing
from rollcall_domain.control import SetGeneration, Step, decode
from rollcall_domain.service.provision import ensure_topics
from rollcall_domain.topics import CONTROL, STATE
from support.certificates import issue
from support.log import delete_records, read_all, write
from support.metrics import shown_by
from support.raw import connect, get
from support.school import School, school
from support.services import Environment, producer, running
from support.watching import Logs, begun, logs, updates, verdict, viewer, watching

MANY = 40_000
"""Updates whose messages fill all that is kept for a viewer who does not read, many times over."""


async def _send(there: School, count: int, seed: int = 7) -> None:
    lines = b"\n".join(httpx.Request("POST", "x:", json=update).content for update in updates(count, 40, seed))
    headers = {"Content-Type": "application/x-ndjson"}
    answer = await there.client.post("/Record/Updates", content=lines, headers=headers)
    assert answer.status_code == 200


async def test_kafka_may_go_and_come_back() -> None:
    with Broker() as broker:
        environment = Environment(broker.bootstrap_servers, "")
        async with school(environment) as there, watching(there.api.url) as watcher:
            await _send(there, 200)
            await watcher.until(lambda seen: seen.count("event") == 200)
            broker.stop()
            async with viewing(viewer(there.api.url, last_id=watcher.last_id)) as later:
                await later.until(lambda seen: "200 OK" in seen.head)
                beats = watcher.beats
                await watcher.until(lambda seen: seen.beats > beats)
                broker.start()
                await there.worker.ready()
                await there.api.ready()
                await _send(there, 200, seed=8)
                await watcher.until(lambda seen: seen.count("event") == 400)
                await later.until(lambda seen: seen.count("event") == 200)
                whole = await logs(environment, begun(watcher))
                found = await verdict(watcher, whole)
                assert found.is_right, found
                found = await verdict(later, await logs(environment, begun(later)))
                assert found.is_right, found


async def test_who_does_not_read_is_cut_and_nobody_else_feels_it(environment: Environment) -> None:
    async with school(environment) as there, AsyncExitStack() as stack:
        watchers = [await stack.enter_async_context(watching(there.api.url)) for _ in range(3)]
        async with connect(there.api.url, receive_buffer=4096) as stalled:
            await stalled.send(get("/Record/Stream"))
            await stalled.receive(1000)
            await _send(there, MANY)
            for watcher in watchers:
                await watcher.until(lambda seen: seen.count("event") == MANY)
            await stalled.reset()
            shown = await shown_by(there.client)
            assert shown["rollcall_unread_answers_total",] + shown["rollcall_slow_viewers_total",] == 1
        whole = await logs(environment, begun(watchers[0]))
        for watcher in watchers:
            found = await verdict(watcher, whole)
            assert found.is_right, found


async def test_who_reads_too_slowly_is_told_and_may_go_on(environment: Environment) -> None:
    async with school(environment) as there, connect(there.api.url, receive_buffer=4096) as slow:
        await slow.send(get("/Record/Stream"))
        said = await slow.receive(1000)
        await _send(there, MANY)
        while b"event: slow\n" not in said[-200:]:
            await asyncio.sleep(0.005)  # it takes minutes to read it all like this
            piece = await slow.receive(2048)
            assert piece, said[-300:]
            said += piece
        assert (await shown_by(there.client))["rollcall_slow_viewers_total",] == 1


async def test_it_is_the_same_over_https(environment: Environment, tmp_path: Path) -> None:
    issued = issue(tmp_path)
    settings = {"tls_certificate_file": issued.file, "tls_key_file": issued.key}
    async with producer(environment, views=True, **settings) as api:
        await api.ready(issued.trust)
        address = httpx.URL(api.url)
        watcher = Viewer((address.host, address.port or 0), trust=issued.trust)
        async with viewing(watcher), httpx.AsyncClient(base_url=api.url, verify=issued.trust) as client:
            await watcher.until(lambda seen: seen.count("live") == 1)
            lines = b"\n".join(httpx.Request("POST", "x:", json=update).content for update in updates(5000, 40))
            headers = {"Content-Type": "application/x-ndjson"}
            assert (await client.post("/Record/Updates", content=lines, headers=headers)).status_code == 200
            await watcher.until(lambda seen: seen.count("event") == 5000)
            assert await api.end() == 0
            await watcher.until(lambda seen: seen.ended)


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_service_ends_at_once_whoever_watches(environment: Environment, workers: int) -> None:
    async with school(environment, workers=workers) as there, AsyncExitStack() as stack:
        watchers = [await stack.enter_async_context(watching(there.api.url)) for _ in range(6)]
        past = [viewer(there.api.url, {"from": "beginning"}) for _ in range(3)]
        watchers += [await stack.enter_async_context(viewing(watcher)) for watcher in past]
        stalled = await stack.enter_async_context(connect(there.api.url, receive_buffer=4096))
        await stalled.send(get("/Record/Stream?from=beginning"))
        await _send(there, MANY)
        for watcher in watchers:
            await watcher.until(lambda seen: seen.count("event") == MANY)
        begin = monotonic()
        assert await there.api.end() == 0
        assert monotonic() - begin < 4
        for watcher in watchers:
            await watcher.until(lambda seen: seen.ended)


async def test_ids_lead_on_from_worker_to_worker(environment: Environment) -> None:
    async with school(environment, workers=2) as there:
        watcher = viewer(there.api.url, {"from": "beginning"})
        for seed in range(12):
            seen = len(watcher.messages)
            await _send(there, 30, seed)
            async with viewing(watcher):
                await watcher.until(lambda viewed, seen=seen: len(viewed.messages) > seen)  # type: ignore[misc]
        async with viewing(watcher):
            found = await verdict(watcher, await logs(environment))
            assert found.is_right, found
        assert watcher.connections == 13


async def test_who_was_there_just_before_a_restart_goes_on(environment: Environment) -> None:
    """More than may read the past at a time: what was a moment ago is read once for all of them."""
    async with school(environment) as there:
        async with watching(there.api.url) as watcher:
            await _send(there, 100)
            await watcher.until(lambda seen: seen.count("event") == 100)
        await there.api.end(signal.SIGKILL)
        whole, seen = await logs(environment, begun(watcher)), watcher.messages[:61]
        async with producer(environment, views=True) as api, AsyncExitStack() as stack:
            await api.ready()
            for _ in range(80):
                other = await stack.enter_async_context(watching(api.url, last_id=seen[-1].id))
                other.messages[:0] = seen
                found = await verdict(other, whole)
                assert found.is_right, found


async def test_what_was_not_kept_is_told(environment: Environment) -> None:
    async with school(environment) as there:
        async with watching(there.api.url) as watcher:
            place = watcher.last_id
            await _send(there, 300)
            await watcher.until(lambda seen: seen.count("event") == 300)
        await there.api.end()
        delete_records(environment.servers, environment.student, 0, 20)
        async with producer(environment, views=True) as api:
            await api.ready()
            async with watching(api.url, {"kinds": "event"}, place) as later:
                assert later.count("gap") == 1
                assert later.count("event") == 280
            async with watching(api.url, last_id=later.last_id.replace(".", ".Z", 1)) as ahead:
                assert ahead.count("gap") == 1


async def test_states_go_on_from_generation_to_generation(environment: Environment) -> None:
    async with (
        school(environment) as there,
        producer(environment, views=True) as other,
        watching(there.api.url) as watcher,
    ):
        await other.ready()
        await _send(there, 500)
        await watcher.until(lambda seen: seen.count("event") == 500)
        loading = asyncio.create_task(_load(there))
        async with running("rollcall_consumer", "rebuild", **environment.variables()) as command:
            assert await command.end(None) == 0
        for seed in range(3):
            await _send(there, 20, seed)
        loading.cancel()
        await there.worker.ready()
        whole = await _both(environment)
        found = await verdict(watcher, whole)
        assert found.is_right, found
        seen = watcher.messages[:20]
        for url in (there.api.url, other.url):
            async with watching(url, last_id=seen[-1].id) as later:
                later.messages[:0] = seen
                found = await verdict(later, whole)
                assert found.is_right, found
        async with running("rollcall_consumer", "rebuild", "--remove", **environment.variables()) as command:
            assert await command.end(None) == 0
        events = sum(map(len, whole["event"]))
        async with watching(other.url, last_id=seen[-1].id) as later:
            await later.until(lambda viewed: viewed.count("event") + _count(seen) == events)


def _count(messages: Sequence[Message]) -> int:
    return sum(message.event == "event" for message in messages)


async def _both(environment: Environment) -> Logs:
    """Read the log, with states as they go on from the first generation to the second."""
    orders = await read_all(environment.servers, f"{environment.prefix}Student.Control", 1)
    (switch,) = [
        order for record in orders if isinstance(order := decode(record.value), SetGeneration) and order.begins
    ]
    assert isinstance(switch.begins, dict)
    old, new = await logs(environment), await logs(environment, state="Student.State.gen2")
    states = [
        [*lines, *(line for line in later if line.offset >= begin)]
        for lines, later, begin in zip(old["state"], new["state"], switch.begins["Student.State"], strict=True)
    ]
    return {**new, "state": states}


async def _load(there: School) -> None:
    seed = 100
    while True:
        await asyncio.gather(_send(there, 20, seed), asyncio.sleep(0.1))
        seed += 1


async def test_where_nobody_says_where_news_begin_they_begin_at_the_end(environment: Environment) -> None:
    settings = environment.consumer()
    later = of_generation(settings, 2)
    async with producer(environment, views=True) as api:
        await api.ready()
        await ensure_topics([CONTROL, STATE], later)
        await _write_state(later, b"s-known")
        async with watching(api.url, {"kinds": "state"}) as watcher:
            for step in (Step.BUILD, Step.HOLD, Step.SEAL, Step.SWITCH):
                await give(SetGeneration(2, step), settings)
            await api.event(lambda event: event["event"] == "The stream goes on with another generation")
            await _write_state(later, b"s-news")
            await watcher.until(lambda seen: seen.count("state") > 0)
            assert [message.data["StudentId"] for message in watcher.messages[1:]] == ["s-news"]
            assert watcher.last_id.startswith("2.")


async def _write_state(settings: ConsumerSettings, student: bytes) -> None:
    value = b'{"StudentId":"%b","State":0,"Since":1,"Seen":1,"Logins":1,"Total":0}' % student
    await write(settings.bootstrap_servers, settings.topic_name(STATE), [(student, value)], 0)
