import asyncio
from hashlib import sha256
from pathlib import Path

import httpx

from support.load import put
from support.metrics import shown_by, until_shown
from support.services import Environment, Event, Service, producer

NAME = "rollcall_requests_total"


async def test_counts_requests_by_method_route_and_status(environment: Environment) -> None:
    async with producer(environment, cors_origins="https://app.example") as service:
        await service.ready()
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
            await asyncio.gather(*(put(client, f"s-{number}") for number in range(20)))
            await put(client, "")
            await client.put("/Record/Update", content="{")
            await client.get("/Record/Update")
            lines = b'{"StudentId":"s-1","State":"LoggedIn"}\n{}\n'
            await client.post("/Record/Updates", content=lines, headers={"Content-Type": "application/x-ndjson"})
            for number in range(3):
                await client.get(f"/students/{number}")
            await client.request("PROPFIND", "/")
            asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "PUT"}
            assert (await client.options("/Record/Update", headers=asked)).status_code == 200
            await until_shown(
                client,
                {
                    (NAME, "PUT", "/Record/Update", "200"): 20,
                    (NAME, "PUT", "/Record/Update", "422"): 1,
                    (NAME, "PUT", "/Record/Update", "415"): 1,
                    (NAME, "GET", "/Record/Update", "405"): 1,
                    (NAME, "POST", "/Record/Updates", "207"): 1,
                    (NAME, "GET", "other", "404"): 3,
                    (NAME, "other", "other", "404"): 1,
                    (NAME, "OPTIONS", "other", "200"): 1,
                },
            )
            routes = {labels[1] for name, *labels in await shown_by(client) if name == NAME}
            assert routes == {"/Record/Update", "/Record/Updates", "/readyz", "/metrics", "other"}


def lines(service: Service) -> list[Event]:
    return [event for event in service.events if event["event"] == "Request"]


async def line(service: Service, number: int) -> Event:
    """Wait for a line on a request."""
    await service.events_until(lambda _: len(lines(service)) >= number)
    return lines(service)[number - 1]


async def test_logs_requests_and_no_probes(environment: Environment, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text(f"gate write {sha256(b'secret').hexdigest()}\n")
    async with producer(environment, tokens_file=tokens) as service:
        await service.ready()
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
            await client.get("/missing%1b[1m?name=somebody")
            missing = await line(service, 1)
            client.headers["Authorization"] = "Bearer secret"
            answer = await put(client, "s-1")
            accepted = await line(service, 2)
    assert (
        missing.items()
        >= {
            "level": "info",
            "method": "GET",
            "path": "/missing%1b[1m",
            "status": 404,
            "client": "127.0.0.1",
            "skipped": 0,
        }.items()
    )
    assert missing["ms"] >= 0
    assert (
        accepted.items()
        >= {
            "method": "PUT",
            "path": "/Record/Update",
            "status": 200,
            "client": "gate",
            "bytes": len(answer.request.content),
            "skipped": 0,
        }.items()
    )
    assert len(lines(service)) == 2


async def test_a_sample_is_logged_that_tells_how_many_it_stands_for(environment: Environment) -> None:
    async with producer(environment, access_log_rate=1) as service:
        await service.ready()
        sent = 0
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
            while len(lines(service)) < 2:
                await put(client, "s-1")
                sent += 1
        assert await service.end() == 0
    first, second = lines(service)
    assert first["skipped"] == 0
    assert 0 < second["skipped"] <= sent - 2


async def test_faults_are_logged_among_any_number_of_other_requests() -> None:
    environment = Environment("127.0.0.1:1", "")
    async with producer(environment, access_log_rate=0.001, deadline_seconds=0.1) as service:
        await service.event(lambda event: event["event"] == "Serving HTTP")
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
            for _ in range(20):
                await client.get("/missing")
            assert (await put(client, "s-1")).status_code == 503
            assert (await put(client, "s-1")).status_code == 503
        assert await service.end() == 0
    assert [event["status"] for event in lines(service)] == [404, 503]


async def test_no_request_is_logged_where_that_is_turned_off(environment: Environment) -> None:
    async with producer(environment, access_log_rate=0) as service:
        await service.ready()
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
            await put(client, "s-1")
        assert await service.end() == 0
    assert lines(service) == []
