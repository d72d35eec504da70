import asyncio
import sys
from collections import Counter
from hashlib import sha256
from pathlib import Path
from time import monotonic

import httpx
import pytest

from support.load import count_students, put
from support.metrics import shown_by
from support.services import Environment, producer


def caller(url: str, name: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {name}"}, timeout=30)


def write_tokens(path: Path, *names: str) -> Path:
    path.write_text("".join(f"{name} admin {sha256(name.encode()).hexdigest()}\n" for name in names))
    return path


async def test_a_client_beyond_its_rate_is_refused_and_no_other(environment: Environment, tmp_path: Path) -> None:
    tokens = write_tokens(tmp_path / "tokens", "gate", "door")
    async with producer(environment, tokens_file=tokens, rate_per_client=0.01) as service:
        await service.ready()
        async with caller(service.url, "gate") as gate, caller(service.url, "door") as door:
            assert (await put(gate, "s-1")).status_code == 200
            refused = await put(gate, "s-2")
            assert (await put(door, "s-3")).status_code == 200
            assert (await put(gate, "s-2")).status_code == 429
            assert (await shown_by(gate))["rollcall_problems_total", "rate-limited", "429"] == 2
    assert refused.status_code == 429
    problem = refused.json()
    assert problem["type"] == "urn:rollcall:problem:rate-limited"
    assert problem["detail"].startswith("more than 0.01 updates a second; try again in ")
    assert 60 < float(problem["detail"].split()[-2]) <= int(refused.headers["Retry-After"]) <= 100
    assert await count_students(environment) == {"s-1": 1, "s-3": 1}


@pytest.mark.skipif(sys.platform != "linux", reason="the loopback has but one address")
async def test_without_tokens_a_client_is_an_address(environment: Environment) -> None:
    async with producer(environment, rate_per_client=0.01) as service:
        await service.ready()
        for address in ("127.0.0.1", "127.0.0.2"):
            statuses = []
            for _ in range(2):
                transport = httpx.AsyncHTTPTransport(local_address=address)
                async with httpx.AsyncClient(base_url=service.url, transport=transport) as client:
                    statuses.append((await put(client, "s-1")).status_code)
            assert statuses == [200, 429]


async def test_all_workers_together_let_pass_what_one_would(environment: Environment) -> None:
    async with producer(environment, workers=3, rate_per_client=0.01) as service:
        await service.ready()
        statuses: Counter[int] = Counter()
        for number in range(12):
            async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
                statuses[(await put(client, f"s-{number}")).status_code] += 1
    assert statuses == {200: 1, 429: 11}


@pytest.mark.parametrize("kind", ["application/x-ndjson", "application/json"])
async def test_uploads_wait_and_do_not_fail(environment: Environment, tmp_path: Path, kind: str) -> None:
    tokens = write_tokens(tmp_path / "tokens", "gate", "door")
    updates = [f'{{"StudentId":"s-{number}","State":"LoggedIn"}}' for number in range(200)]
    body = "\n".join(updates) if "nd" in kind else f"[{','.join(updates)}]"
    async with producer(environment, tokens_file=tokens, rate_per_client=100) as service:
        await service.ready()
        async with caller(service.url, "gate") as gate, caller(service.url, "door") as door:
            begin = monotonic()
            sending = gate.post("/Record/Updates", content=body, headers={"Content-Type": kind})
            upload = asyncio.create_task(sending)
            while (await shown_by(door))["rollcall_updates_total", "accepted"] < 100:  # noqa: ASYNC110 - can only be asked
                await asyncio.sleep(0.01)
            assert (await put(gate, "t-1")).status_code == 429
            assert (await put(door, "t-2")).status_code == 200
            answer = await upload
        assert monotonic() - begin > 0.85  # a hundred at once, and pieces of ten, each with a tenth of a second to it
    assert (answer.status_code, answer.json()["Accepted"]) == (200, 200)
    assert await count_students(environment) == {**{f"s-{number}": 1 for number in range(200)}, "t-2": 1}
