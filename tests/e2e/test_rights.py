import asyncio
import uuid
from pathlib import Path

import httpx
import pytest
from confluent_kafka.admin import AclOperation, ResourceType  # type: ignore[attr-defined]
from starlette.responses import Response

from rollcall_consumer.runtime.transactor import transactional_id
from rollcall_consumer.settings import of_pipeline
from rollcall_domain import codec
from rollcall_domain.service.provision import ensure_topics
from rollcall_domain.topics import ACTIVITY, ALERTS, CONTROL, DEAD_LETTERS, INBOX, PARKED, STATE, STUDENT
from support.alerts import late, notify
from support.load import put, see_through
from support.log import write
from support.receiver import receiving
from support.secure import PASSWORD, SecureKafka, Settings, user
from support.services import Environment, consumer, producer, running, warnings


async def _with_topics(secure: SecureKafka) -> Environment:
    environment = secure.environment()
    await ensure_topics([STUDENT, DEAD_LETTERS], environment.producer(**secure.over_sasl(), **user()))
    await ensure_topics([INBOX, STATE, ACTIVITY, ALERTS, CONTROL], environment.producer(**secure.over_sasl(), **user()))
    return environment


def _let_derive(secure: SecureKafka, environment: Environment, name: str) -> None:
    """Allow a user what a consumer needs, but for reading updates and for the group."""
    for topic in (INBOX, STATE, ACTIVITY, CONTROL):
        secure.allow(name, ResourceType.TOPIC, environment.prefix + topic.name, AclOperation.READ)
    for topic in (INBOX, STATE, ACTIVITY, ALERTS, DEAD_LETTERS):
        secure.allow(name, ResourceType.TOPIC, environment.prefix + topic.name, AclOperation.WRITE)
    for index in range(environment.consumer().partitions):
        transactions = transactional_id(environment.consumer(), "record", index)
        secure.allow(name, ResourceType.TRANSACTIONAL_ID, transactions, AclOperation.WRITE)


def _guest(secure: SecureKafka) -> tuple[str, Settings]:
    """Make a user who may do nothing yet."""
    name = f"guest-{uuid.uuid4().hex[:8]}"
    secure.set_password(name, PASSWORD)
    return name, secure.over_sasl() | user(name)


async def test_rights_may_come_late_and_need_be_no_more_than_the_readme_says(secure: SecureKafka) -> None:
    environment = await _with_topics(secure)
    (author, writing), (reader, reading) = _guest(secure), _guest(secure)
    async with producer(environment, **writing) as api, consumer(environment, **reading) as worker:
        for service in (api, worker):
            reason = await service.fault()
            assert f"access is denied: TopicAuthorizationFailed {environment.student}" in reason
        secure.allow(author, ResourceType.TOPIC, environment.student, AclOperation.WRITE)
        secure.allow(reader, ResourceType.TOPIC, environment.student, AclOperation.READ)
        _let_derive(secure, environment, reader)
        secure.allow(reader, ResourceType.GROUP, f"{environment.prefix}1", AclOperation.READ)
        await see_through(api, worker, "s-1")
        await write(secure.broker.bootstrap_servers, environment.student, [(b"s-2", b"no update")])
        await worker.event(lambda event: event["event"] == "Kept a dead letter")
    variables = environment.variables(**reading)
    async with running("rollcall_consumer", "tail", "--from", "beginning", "--no-follow", **variables) as tail:
        assert await tail.end(None) == 0
    assert len(tail.events) == 2


async def test_an_effect_needs_no_more_rights_than_the_readme_says(secure: SecureKafka) -> None:
    environment = await _with_topics(secure)
    own = of_pipeline(environment.consumer(**secure.over_sasl(), **user()), "notify")
    await ensure_topics([INBOX, PARKED, CONTROL], own)
    name, guest = _guest(secure)
    for topic in (ALERTS, INBOX, PARKED, CONTROL):
        secure.allow(name, ResourceType.TOPIC, own.topic_name(topic), AclOperation.READ)
    for topic in (PARKED, DEAD_LETTERS):
        secure.allow(name, ResourceType.TOPIC, own.topic_name(topic), AclOperation.WRITE)
    secure.allow(name, ResourceType.GROUP, own.group_id, AclOperation.READ)
    for index in range(own.partitions):
        secure.allow(name, ResourceType.TRANSACTIONAL_ID, transactional_id(own, "notify", index), AclOperation.WRITE)
    refused, taken = late("s-1"), late("s-2")
    for each in (refused, taken):
        await write(
            secure.broker.bootstrap_servers, own.topic_name(ALERTS), [(each.student_id.encode(), codec.encode(each))]
        )
    async with receiving() as receiver:
        receiver.answer = lambda call: Response(status_code=404 if call.student == "s-1" else 204)
        async with notify(environment, receiver, **guest) as worker:
            await receiver.has_taken(1)
            await worker.event(lambda event: event["event"] == "Kept a dead letter")
            assert await worker.end() == 0


async def test_a_topic_may_be_created_by_the_right_to_that_alone(secure: SecureKafka) -> None:
    environment = secure.environment()
    author, writing = _guest(secure)
    for operation in (AclOperation.CREATE, AclOperation.WRITE):
        secure.allow(author, ResourceType.TOPIC, environment.student, operation)
    async with producer(environment, **writing) as api:
        await api.ready()


async def test_an_update_that_it_may_not_write_is_answered_as_not_written(secure: SecureKafka) -> None:
    environment = await _with_topics(secure)
    author, writing = _guest(secure)
    secure.allow(author, ResourceType.TOPIC, environment.student, AclOperation.DESCRIBE)
    secure.allow(author, ResourceType.TOPIC, environment.dead_letters, AclOperation.WRITE)
    async with producer(environment, **writing) as api:
        await api.ready()
        async with httpx.AsyncClient(base_url=api.url) as client:
            answer = await put(client, "s-1")
            assert (answer.status_code, answer.json()["outcome"]) == (503, "not-written")
            assert f"access is denied: TopicAuthorizationFailed {environment.student}" in answer.json()["detail"]
            secure.allow(author, ResourceType.TOPIC, environment.student, AclOperation.WRITE)
            await api.ready()
            assert (await put(client, "s-1")).status_code == 200
        assert await api.end() == 0
    assert warnings(api.events) == ["Replacing the Kafka client"]


async def test_reads_need_no_more_rights_than_the_readme_says(secure: SecureKafka) -> None:
    environment = await _with_topics(secure)
    author, writing = _guest(secure)
    for topic in (STUDENT, INBOX, STATE, ACTIVITY, ALERTS, CONTROL):
        secure.allow(author, ResourceType.TOPIC, environment.prefix + topic.name, AclOperation.READ)
    secure.allow(author, ResourceType.TOPIC, environment.student, AclOperation.WRITE)
    secure.allow(author, ResourceType.GROUP, f"{environment.prefix}1", AclOperation.DESCRIBE)
    async with (
        consumer(environment, **secure.over_sasl(), **user()),
        producer(environment, views=True, **writing) as api,
        httpx.AsyncClient(base_url=(await api.ready()).url) as client,
    ):
        after = (await put(client, "s-1")).headers["X-Rollcall-Position"]
        for path in ("/Record", "/Record/s-1"):
            assert (await client.get(path, params={"after": after})).status_code == 200
        assert len((await client.get("/Record/s-1/History")).json()["Events"]) == 1
        assert (await client.get("/Pipeline")).json()["LagRecords"] is not None


async def test_a_view_that_may_not_be_read_is_named(secure: SecureKafka) -> None:
    environment = await _with_topics(secure)
    author, writing = _guest(secure)
    secure.allow(author, ResourceType.TOPIC, environment.student, AclOperation.WRITE)
    async with producer(environment, views=True, **writing) as api, httpx.AsyncClient() as client:
        reason = ""
        while environment.prefix + CONTROL.name not in reason:
            await api.grows(len(api.events))
            reason = (await client.get(f"{api.url}/readyz")).json()["reason"]
        assert "access is denied" in reason


@pytest.mark.parametrize("kind", ["Group", "Topic"])
async def test_a_replica_that_may_not_read_waits_until_it_may(secure: SecureKafka, kind: str) -> None:
    environment = await _with_topics(secure)
    reader, reading = _guest(secure)
    secure.allow(reader, ResourceType.TOPIC, environment.student, AclOperation.DESCRIBE)
    _let_derive(secure, environment, reader)
    rights = {
        "Group": (ResourceType.GROUP, f"{environment.prefix}1", AclOperation.READ),
        "Topic": (ResourceType.TOPIC, environment.student, AclOperation.READ),
    }
    late = rights.pop(kind)
    for right in rights.values():
        secure.allow(reader, *right)
    async with consumer(environment, **reading) as worker:
        said = await worker.event(lambda event: event["event"] == "Beginning anew")
        assert f"access is denied: {kind}AuthorizationFailed {late[1]}" in said["reason"]
        async with httpx.AsyncClient(base_url=worker.url) as client:
            assert (await client.get("/readyz")).json()["reason"] == said["reason"]
        secure.allow(reader, *late)
        await worker.ready()
        assert await worker.end() == 0
    assert [event for event in worker.events if "Traceback" in str(event)] == []


async def test_a_password_that_changes_is_read_anew(secure: SecureKafka, tmp_path: Path) -> None:
    environment = await _with_topics(secure)
    name, settings = _guest(secure)
    for topic in (environment.student, environment.dead_letters):
        secure.allow(name, ResourceType.TOPIC, topic, AclOperation.ALL)
    _let_derive(secure, environment, name)
    secure.allow(name, ResourceType.GROUP, f"{environment.prefix}1", AclOperation.ALL)
    file = tmp_path / "password"
    file.write_text(f"{settings.pop('sasl_password')}\n")
    settings |= {"sasl_password_file": file}
    async with producer(environment, **settings) as api, consumer(environment, **settings) as worker:
        await see_through(api, worker, "s-1")
        secure.set_password(name, "new")
        await asyncio.to_thread(secure.broker.stop)
        await asyncio.to_thread(secure.broker.start)
        for service in (api, worker):
            assert "the credentials are refused" in await service.fault()
        file.write_text("new\n")
        await see_through(api, worker, "s-2")
        assert (await api.end(), await worker.end()) == (0, 0)
    assert not any("Traceback" in str(event) for event in [*api.events, *worker.events])
