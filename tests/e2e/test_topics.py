"""What lies on the topics is what docs/asyncapi.json says."""

import json
from typing import Any

import httpx
import jsonschema_rs
from aiokafka import ConsumerRecord

from rollcall_dev.describe import FOLDER
from support.load import put
from support.log import read_all, topic_settings, write
from support.services import Environment, consumer, producer, running

DOCUMENT = json.loads((FOLDER / "asyncapi.json").read_text("utf-8"))
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def _validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    return jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def _check_headers(message: dict[str, Any], record: ConsumerRecord[bytes | None, bytes | None]) -> None:
    headers = {name: value.decode() for name, value in record.headers}
    _validator(message["headers"]).validate(headers)
    described = DOCUMENT["components"]["schemas"][message["headers"]["$ref"].rpartition("/")[2]]["properties"]
    assert set(headers) <= set(described)


async def test_records_and_dead_letters_are_as_they_are_described(environment: Environment) -> None:
    update, letter = (DOCUMENT["components"]["messages"][name] for name in ("update", "deadLetter"))
    async with producer(environment) as api, consumer(environment) as worker:
        await api.ready()
        await worker.ready()
        async with httpx.AsyncClient(base_url=api.url) as client:
            headers = {"Idempotency-Key": "key-1", "traceparent": TRACE}
            body = {"StudentId": "s-é", "State": "LoggedOut"}
            assert (await client.put("/Record/Update", json=body, headers=headers)).status_code == 200
            assert (await put(client, "x" * 256)).status_code == 200
            lines = {"Content-Type": "application/x-ndjson"}
            line = json.dumps({**body, "At": "2026-11-01T08:00:00Z", "Id": "key-2"})
            assert (await client.post("/Record/Updates", content=line, headers=lines)).status_code == 200
        ours = await read_all(environment.servers, environment.student)
        await write(environment.servers, environment.student, [(None, b"{}"), (b"any", b"\xff"), (b"key", b"null")])
        await worker.events_until(lambda events: sum(e["event"] == "Kept a dead letter" for e in events) == 3)
        letters = await read_all(environment.servers, environment.dead_letters)
    assert len(ours) == len(letters) == 3
    for record in ours:
        _validator(update["payload"]).validate(json.loads(record.value or b""))
        _validator(update["bindings"]["kafka"]["key"]).validate((record.key or b"").decode())
        _check_headers(update, record)
    for record in letters:
        _check_headers(letter, record)


async def test_topics_that_are_created_are_kept_as_they_are_described(environment: Environment) -> None:
    sending = environment.variables(webhook_url="http://127.0.0.1:1/")
    async with consumer(environment) as worker, running("rollcall_consumer", "run", "notify", **sending) as sender:
        await worker.ready()
        await sender.ready()
    for channel in DOCUMENT["channels"].values():
        binding = channel["bindings"]["kafka"]
        partitions, settings = topic_settings(environment.servers, environment.prefix + channel["address"])
        assert partitions == binding["partitions"]
        for name, value in binding["topicConfiguration"].items():
            assert settings[name] == (",".join(value) if isinstance(value, list) else str(value))
