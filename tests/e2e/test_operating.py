"""What operators tell a group, as they do it: by commands."""

import asyncio
import time
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from rollcall_domain.partition import partition_for
from rollcall_domain.service.provision import ensure_topics
from rollcall_domain.topics import STUDENT
from support.metrics import shown_by, until_shown
from support.services import PATIENCE, Environment, consumer, running


async def _say(environment: Environment, *arguments: str, **settings: object) -> tuple[int, list[str]]:
    """Run a command to its end; give its status and its lines."""
    async with running("rollcall_consumer", *arguments, **environment.variables(**settings)) as command:
        status = await command.end(None)
    return status, [str(event["event"]) for event in command.events]


async def test_a_rate_reaches_replicas_that_run(environment: Environment) -> None:

    async with consumer(environment, rate=100) as worker:
        await worker.event(lambda event: event.get("per_second") == 100)
        assert await _say(environment, "rate") == (0, ["default"])
        assert await _say(environment, "rate", "2.5") == (0, ["2.5 records a second"])
        await worker.event(lambda event: event.get("per_second") == 2.5)
        assert await _say(environment, "rate", "any") == (0, ["any"])
        await worker.event(lambda event: event.get("per_second") == "any")
        assert await _say(environment, "rate", group="office") == (0, ["default"])
        assert await _say(environment, "rate", "default") == (0, ["default"])


@pytest.mark.parametrize("rate", ["0", "-1", "many", "nan", "inf"])
async def test_a_rate_that_is_none_is_refused(environment: Environment, rate: str) -> None:
    status, lines = await _say(environment, "rate", "--", rate)
    reason = f"{rate!r} is no number above 0 and up to 1e+09, nor any or default"
    assert (status, lines[-1]) == (2, f"Error: Invalid value for '[PER_SECOND|any|default]': {reason}")


async def test_lag_tells_how_far_a_group_is_behind_and_who_works(environment: Environment) -> None:
    status, lines = await _say(environment, "lag")
    assert (status, lines) == (1, [f"Error: there is no topic {environment.student} yet"])
    await ensure_topics([STUDENT], environment.consumer())
    hour_ago = int((time.time() - 3600) * 1000)
    await _login(environment, 3, timestamp_ms=hour_ago)
    async with consumer(environment) as worker:
        await worker.ready()
        group = await _lag(environment)
        assert (group["Group"], group["Records"], group["Seconds"]) == (f"{environment.prefix}1", 0, 0)
        assert (group["SecondsLeft"], group["Replicas"]) == (0, 1)
        assert {part["HeldBy"].rpartition(" at ")[0][:16] for part in group["Partitions"]} == {"rollcall-record-"}
    await _login(environment, 5, timestamp_ms=hour_ago)
    group = await _lag(environment)
    lagging = partition_for(b"s-1", 6)
    assert (group["Records"], group["SecondsLeft"], group["Replicas"]) == (5, None, 0)
    assert 3600 <= group["Seconds"] < 3700
    assert [(part["Partition"], part["Records"], part["HeldBy"]) for part in group["Partitions"]] == [
        (index, 5 if index == lagging else 0, None) for index in range(6)
    ]
    status, lines = await _say(environment, "lag", "1", "office")
    assert status == 0
    assert lines[0].startswith(f"group {environment.prefix}1: 5 records behind, 6")
    assert lines[0].endswith(" m; 0.0/s in, 0.0/s out; never caught up at this pace; 0 replicas")
    assert lines[8].startswith(f"group {environment.prefix}office: 8 records behind")


async def _lag(environment: Environment) -> dict[str, Any]:
    async with running("rollcall_consumer", "lag", "--json", **environment.variables()) as command:
        assert await command.end(None) == 0
    return command.events[0]


async def _login(environment: Environment, count: int, **fields: int) -> None:
    async with AIOKafkaProducer(bootstrap_servers=environment.servers, acks="all") as client:
        for _ in range(count):
            await client.send_and_wait(
                environment.student, b'{"StudentId":"s-1","State":0}', b"s-1", partition_for(b"s-1", 6), **fields
            )


async def test_metrics_tell_what_is_to_be_expected_of_the_group(environment: Environment) -> None:
    async with consumer(environment) as worker:
        await worker.ready()
        async with httpx.AsyncClient(base_url=worker.url) as client:
            await until_shown(client, {("rollcall_group_seconds_left",): 0.0})
            await _login(environment, 20)
            async with asyncio.timeout(PATIENCE):
                while ("rollcall_group_wanted_replicas",) not in await shown_by(client):
                    await _login(environment, 1)
            assert (await shown_by(client))[("rollcall_group_wanted_replicas",)] == 1
