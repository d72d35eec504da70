"""`GET /Record/Stream`: what happens, from any place on, on any replica."""

import asyncio
import random
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from rollcall_dev.viewers import RefusedError, Viewer, viewing
from rollcall_producer.tokens import Scope, make_token
from support.metrics import until_shown
from support.school import School, school
from support.services import Environment, producer
from support.watching import Logs, begun, logs, updates, verdict, viewer, watching


async def _send(there: School, count: int, seed: int = 7) -> None:
    answer = await there.client.post("/Record/Updates", json=updates(count, 40, seed))
    assert answer.status_code == 200


async def _has_all(watcher: Viewer, there: Logs, asked: Mapping[str, str] = {}) -> None:
    found = await verdict(watcher, there, partial(_wants, asked))
    assert found.is_right, (asked, found)


async def test_viewers_see_what_happens_as_it_happens(environment: Environment) -> None:
    async with school(environment) as there, watching(there.api.url) as watcher:
        position = await there.put("s-1")
        await watcher.until(lambda seen: seen.count("state") == 1)
        last = await there.put("s-1")
        await watcher.until(lambda seen: [seen.count(kind) for kind in ("event", "state", "alert")] == [2, 2, 1])
        assert "content-type: text/event-stream\r\n" in watcher.head
        assert "cache-control: no-store\r\n" in watcher.head
        assert "x-accel-buffering: no\r\n" in watcher.head
        assert (watcher.messages[0].event, watcher.messages[0].data) == ("live", {})
        event = next(message for message in watcher.messages if message.event == "event")
        assert [*event.data] == ["StudentId", "State", "At", "Position", "Id"]
        assert (event.data["StudentId"], event.data["State"], event.data["Position"]) == ("s-1", "LoggedIn", position)
        record = [message.data for message in watcher.messages if message.event == "state"][-1]
        assert record == await there.get("/Record/s-1", after=last)
        alert = next(message.data for message in watcher.messages if message.event == "alert")
        assert (alert["Rule"], alert["StudentId"], alert["At"]) == ("two-places", "s-1", record["Seen"])
        assert len({message.id for message in watcher.messages}) == 6
        await _has_all(watcher, await logs(environment, begun(watcher)))
        await until_shown(there.client, {("rollcall_viewers",): 1, ("rollcall_stream_messages_total",): 5})


BEGINNING = {"from": "beginning"}

FILTERS: list[dict[str, str]] = [
    {"kinds": "event"},
    {"kinds": "state,alert"},
    {"student": "s-7"},
    {"state": "LoggedOut"},
    {"student": "s-7", "state": "LoggedIn", "kinds": "event,state"},
    {"student": "s-nobody"},
]


def _wants(asked: Mapping[str, str], kind: str, data: dict[str, Any]) -> bool:
    return (
        kind in asked.get("kinds", "event,state,alert")
        and asked.get("student", data["StudentId"]) == data["StudentId"]
        and asked.get("state", data.get("State")) == data.get("State")
    )


async def test_viewers_see_what_they_want_and_nothing_else(environment: Environment) -> None:
    async with school(environment) as there, AsyncExitStack() as stack:
        await _send(there, 200)
        past = [await stack.enter_async_context(viewing(viewer(there.api.url, BEGINNING | f))) for f in FILTERS]
        live = [await stack.enter_async_context(watching(there.api.url, f)) for f in FILTERS]
        await _send(there, 200, seed=8)
        whole, latest = await logs(environment), await logs(environment, begun(live[0]))
        for asked, all_of_it, news in zip(FILTERS, past, live, strict=True):
            await _has_all(all_of_it, whole, asked)
            await _has_all(news, latest, asked)
            assert (len(news.messages) > 1) == ("s-nobody" not in asked.values())


async def test_the_past_comes_in_the_order_of_time_and_then_what_happens(environment: Environment) -> None:
    async with school(environment) as there:
        for minute in range(30):
            await there.put(f"s-{minute % 7}", at=f"2026-11-23T08:{minute:02}:00Z")
        async with watching(there.api.url, BEGINNING) as watcher:
            past = [message for message in watcher.messages if message.event == "event"]
            assert [message.data["At"][14:16] for message in past] == [f"{minute:02}" for minute in range(30)]
            assert watcher.messages[-1].event == "live"
            await there.put("s-1")
            await watcher.until(lambda seen: seen.messages[-1].event in {"event", "state", "alert"})
            assert watcher.count("live") == 1
            await _has_all(watcher, await logs(environment))
        async with watching(there.api.url, {"from": "2026-11-23T09:10:00+01:00", "kinds": "event"}) as watcher:
            assert [message.data["At"][14:16] for message in watcher.messages[:-2]] == [
                f"{m:02}" for m in range(10, 30)
            ]
        async with watching(there.api.url, {"from": "-2m", "kinds": "event"}) as watcher:
            assert [message.event for message in watcher.messages] == ["event", "live"]
        async with watching(there.api.url) as watcher:
            assert [message.event for message in watcher.messages] == ["live"]


async def test_from_now_on_is_from_the_request_on_however_far_behind_the_stream_is(environment: Environment) -> None:
    events = {"kinds": "event"}
    async with school(environment) as there, watching(there.api.url, events):
        await there.upload({"StudentId": f"s-{number}", "State": "LoggedIn"} for number in range(5000))
        async with watching(there.api.url, events) as later:
            await there.put("s-last")
            await later.until(lambda seen: seen.count("event") > 0)
            assert [seen.data["StudentId"] for seen in later.messages if seen.event == "event"] == ["s-last"]


async def test_whoever_comes_from_the_past_meets_what_happens_without_a_seam(environment: Environment) -> None:
    async with school(environment) as there, AsyncExitStack() as stack:
        await _send(there, 2000)
        loading = asyncio.create_task(_load(there))
        watchers = []
        for begin in ["beginning", "-1h", "-1s"] * 6:
            watchers.append(await stack.enter_async_context(viewing(viewer(there.api.url, {"from": begin}))))
            await asyncio.sleep(0.05)  # at different times of the load
        await loading
        for watcher in watchers:
            await watcher.until(lambda seen: seen.count("live") == 1)
        whole = await logs(environment)
        for number, watcher in enumerate(watchers):
            await (_has_all if number % 3 < 2 else _has_no_hole)(watcher, whole)


async def _load(there: School) -> None:
    for seed in range(30):
        await _send(there, 40, seed)


async def _has_no_hole(watcher: Viewer, there: Logs) -> None:
    """Make sure that a viewer has seen all events from some record of each partition on."""
    places: dict[int, list[int]] = {}
    for message in watcher.messages:
        if message.event == "event":
            partition, offset = map(int, message.data["Position"].split("@"))
            places.setdefault(partition, []).append(offset)
    for index, lines in enumerate(there["event"]):
        seen = places[index]
        assert seen == list(range(seen[0], lines[-1].offset + 1))


async def test_any_replica_goes_on_behind_any_message(environment: Environment) -> None:
    async with school(environment) as there, producer(environment, views=True) as other:
        await other.ready()
        await _send(there, 300)
        async with (
            watching(there.api.url, BEGINNING) as whole,
            watching(other.url) as _,  # has the other one read what happens, in an order of its own
        ):
            loading = asyncio.create_task(_load(there))
            await _go_on(whole, environment, other.url, {}, loading)
            await _has_all(whole, await logs(environment))
            await _go_on(whole, environment, other.url, {}, loading)
            for asked in FILTERS[:5]:
                async with watching(there.api.url, BEGINNING | asked) as filtered:
                    await _has_all(filtered, await logs(environment), asked)
                    await _go_on(filtered, environment, other.url, asked, loading)


async def _go_on(
    whole: Viewer, environment: Environment, url: str, asked: Mapping[str, str], loading: asyncio.Task[None]
) -> None:
    """Cut what a viewer has seen at places drawn by chance, and have others go on from there elsewhere."""
    async with AsyncExitStack() as stack:
        watchers = []
        for place in random.Random(11).sample(range(len(whole.messages)), min(8, len(whole.messages))):
            seen = whole.messages[: place + 1]
            watcher = await stack.enter_async_context(watching(url, asked, seen[-1].id))
            watcher.messages[:0] = seen
            watchers.append(watcher)
        await loading
        there = await logs(environment)
        for watcher in watchers:
            await _has_all(watcher, there, asked)


async def test_ids_go_on_where_nothing_is_wanted(environment: Environment) -> None:
    async with school(environment) as there, watching(there.api.url, {"student": "s-nobody"}) as watcher:
        first = watcher.last_id
        await _send(there, 50)
        await watcher.until(lambda seen: seen.beats > 0)
        assert watcher.last_id != first
        assert watcher.count("event") == 0
        async with watching(there.api.url, last_id=watcher.last_id) as later:
            assert [message.event for message in later.messages] == ["live"]


FAULTS: list[tuple[dict[str, str], str]] = [
    ({"from": "yesterday"}, "from"),
    ({"from": "2026-11-23T08:00:00"}, "from"),
    ({"kinds": "event,news"}, "kinds"),
    ({"kinds": ""}, "kinds"),
    ({"state": "Asleep"}, "state"),
    ({"student": ""}, "student"),
    ({"student": "a\nb"}, "student"),
    ({"Student": "s-1"}, "Student"),
]

OTHERS = {
    "nonsense!": "no id",
    "1.2": "no id",
    "0" + ".0" * 18: "no id",
    "1" + ".99999999999" * 18: "no id",
    "1" + ".0" * 24: "8 partitions",
}


async def test_what_is_at_fault_is_named(environment: Environment) -> None:
    async with producer(environment, views=True) as api:
        await api.ready()
        for parameters, field in FAULTS:
            problem = await _refused(viewer(api.url, parameters))
            assert problem["type"] == "urn:rollcall:problem:invalid-parameter"
            assert (problem["field"], field in problem["detail"]) == (field, True)
        for last_id, said in OTHERS.items():
            problem = await _refused(viewer(api.url, last_id=last_id))
            assert problem["type"] == "urn:rollcall:problem:invalid-header"
            assert (problem["field"], said in problem["detail"]) == ("Last-Event-ID", True)


async def _refused(watcher: Viewer) -> dict[str, Any]:
    with pytest.raises(RefusedError) as refused:
        await watcher.read()
    assert refused.value.status == 400
    return dict(httpx.Response(400, content=refused.value.body).json())


async def test_reading_takes_a_token(environment: Environment, tmp_path: Path) -> None:
    made = {scope: make_token(scope, [scope], None) for scope in (Scope.READ, Scope.WRITE)}
    (tmp_path / "tokens").write_text("\n".join(line for _, line in made.values()))
    async with producer(environment, views=True, tokens_file=tmp_path / "tokens") as api:
        await api.ready()
        headers = {scope: {"Authorization": f"Bearer {token}"} for scope, (token, _) in made.items()}
        async with watching(api.url, headers=headers[Scope.READ]):
            pass
        for given, status in ((None, 401), (headers[Scope.WRITE], 403)):
            with pytest.raises(RefusedError) as refused:
                await viewer(api.url, headers=given).read()
            assert refused.value.status == status


async def test_heads_are_answered_and_other_methods_are_not(environment: Environment) -> None:
    async with producer(environment, views=True) as api, httpx.AsyncClient() as client:
        await api.ready()
        client.base_url = httpx.URL(api.url)
        head = await client.head("/Record/Stream")
        assert (head.status_code, head.headers["content-type"], head.content) == (200, "text/event-stream", b"")
        assert (await client.post("/Record/Stream")).status_code == 405


async def test_without_views_there_is_no_stream(environment: Environment) -> None:
    async with producer(environment, views=False) as api, httpx.AsyncClient() as client:
        await api.ready()
        assert (await client.get(f"{api.url}/Record/Stream")).status_code == 404
