"""Parked alerts in the hands of operators: by a command, and by HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
from prometheus_client.parser import text_string_to_metric_families
from starlette.responses import Response

from support.alerts import late, notify, write
from support.log import read_all
from support.receiver import Call, Receiver, receiving
from support.services import PATIENCE, Environment, Service, running

TOKEN = "the token of the office"  # noqa: S105 - it guards a test


class Office:
    """A replica whose receiver does not take what is about some students."""

    worker: Service

    def __init__(self, environment: Environment, receiver: Receiver) -> None:
        self.receiver = receiver
        self.refused = {"s-1", "s-2"}
        self._environment = environment
        receiver.answer = self._answer

    def _answer(self, call: Call) -> Response:
        if call.student in self.refused:
            return Response("not that one", 500, {"Retry-After": "600"})
        return Response(status_code=204)

    async def say(self, *arguments: str) -> tuple[int, list[str]]:
        """Run the command."""
        variables = self._environment.variables()
        async with running("rollcall_consumer", "parked", *arguments, **variables) as command:
            status = await command.end(None)
        return status, [_line(event) for event in command.events]

    async def parked(self) -> list[dict[str, Any]]:
        """Read by the command what is parked."""
        _, lines = await self.say("--json")
        return [msgspec.json.decode(line) for line in lines]

    async def until_parked(self, *students: str) -> list[dict[str, Any]]:
        """Wait until alerts of these students are parked and no others."""
        async with asyncio.timeout(PATIENCE):
            found = await self.parked()
            while sorted(each["Key"] for each in found) != sorted(students):
                found = await self.parked()
        return found

    async def metrics(self) -> dict[str, float]:
        """Read metrics that have no labels."""
        async with httpx.AsyncClient() as client:
            text = (await client.get(f"{self.worker.url}/metrics")).text
        families = text_string_to_metric_families(text)
        return {sample.name: sample.value for family in families for sample in family.samples if not sample.labels}


def _line(event: dict[str, Any]) -> str:
    return str(event["event"]) if "event" in event else msgspec.json.encode(event).decode()


@asynccontextmanager
async def office(environment: Environment, **settings: object) -> AsyncIterator[Office]:
    await write(environment, late("s-1", 1), late("s-1", 2), late("s-2", 1), late("s-3", 1))
    async with receiving() as receiver:
        school = Office(environment, receiver)
        async with notify(environment, receiver, tries=1000, **settings) as school.worker:
            await school.worker.ready()
            yield school


async def test_what_is_parked_is_listed_and_measured(environment: Environment) -> None:
    async with office(environment) as school:
        assert (await school.say("nonsense"))[0] == 2
        first, second = await school.until_parked("s-1", "s-2")
        assert first["Since"] <= second["Since"] < first["NextTry"]
        assert first["Tries"] >= 1
        assert first["Error"] == f"UnavailableError: {school.receiver.url} answers 500: not that one"
        assert first["Place"].startswith(f"{environment.prefix}Student.Alerts-")
        status, lines = await school.say()
        assert (status, lines[0].split()) == (0, ["key", "tries", "since", "next", "place", "error"])
        assert [line.split()[0] for line in lines[1:]] == [first["Key"], second["Key"]]
        measured = await school.metrics()
    assert measured["rollcall_parked_keys"] == 2
    assert measured["rollcall_effects_waiting"] >= 2
    assert 0 < measured["rollcall_parked_oldest_seconds"] < PATIENCE
    assert measured["rollcall_effects_in_flight"] in (0, 1, 2)
    assert "rollcall_finished_beyond_watermark" in measured


async def test_what_is_released_is_tried_at_once_and_what_is_given_up_is_a_dead_letter(
    environment: Environment,
) -> None:
    async with office(environment) as school:
        await school.until_parked("s-1", "s-2")
        school.refused = {"s-1"}
        assert (await school.say("--release", "s-9")) == (1, ["Error: nothing is parked by the name of 's-9'"])
        assert (await school.say("--release", "s-2"))[0] == 0
        await school.until_parked("s-1")
        assert (await school.say("--give-up", "s-1"))[0] == 0
        (letter,) = await _letters(environment, 1)
        assert letter["dead-letter.reason"] == b"given-up"
        (left,) = await school.until_parked("s-1")  # it is the next one's turn
        school.refused = set()
        assert (await school.say("--release", left["Place"]))[0] == 0
        await school.until_parked()
    taken = [msgspec.json.decode(call.body)["data"]["Cause"] for call in school.receiver.taken]
    assert sorted(taken) == ["c-1", "c-1", "c-2"]


async def test_operators_may_do_the_same_by_http_with_a_token(environment: Environment) -> None:
    async with office(environment, admin_token=TOKEN) as school, httpx.AsyncClient() as client:
        url = f"{school.worker.url}/parked"
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            refused = await client.get(url, headers=headers)
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        await school.until_parked("s-1", "s-2")
        assert [each["Key"] for each in (await client.get(url)).json()] in (["s-1", "s-2"], ["s-2", "s-1"])
        assert (await client.post(f"{url}/release", json={"Keys": ["s-9"]})).status_code == 404
        assert (await client.post(f"{url}/release", json={"Keys": []})).status_code == 400
        school.refused = {"s-1"}
        released = await client.post(f"{url}/release", json={"Keys": ["s-2"]})
        assert (released.status_code, [each["Key"] for each in released.json()]) == (202, ["s-2"])
        await school.until_parked("s-1")
        given_up = await client.post(f"{url}/give-up", json={"Keys": ["s-1"]})
        assert given_up.status_code == 202
        await _letters(environment, 1)


async def test_nothing_is_served_where_there_is_no_token(environment: Environment) -> None:
    async with office(environment) as school, httpx.AsyncClient() as client:
        assert (await client.get(f"{school.worker.url}/parked")).status_code == 404


async def _letters(environment: Environment, count: int) -> list[dict[str, bytes]]:
    async with asyncio.timeout(PATIENCE):
        while len(found := await read_all(environment.servers, environment.dead_letters, committed=True)) < count:
            pass
    return [dict(letter.headers) for letter in found]
