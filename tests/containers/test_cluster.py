"""The profile of three brokers under Docker Compose, one of which is lost."""

from collections.abc import Iterator

import httpx
import pytest

from support.compose import PATIENCE, STUDENTS, Stack, events, eventually, handled, inspect, up

BROKERS = ("kafka-1", "kafka-2", "kafka-3")
SERVICES = ("producer-cluster", "consumer-cluster")
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with up(profile="cluster") as running:
        yield running


def insist(client: httpx.Client, student: str) -> None:
    """Send an update with a key until it is accepted, as a client does."""
    update, headers = {"StudentId": student, "State": "LoggedIn"}, {"Idempotency-Key": student}
    assert eventually(lambda: client.put("/Record/Update", json=update, headers=headers).status_code == 200)


def test_brokers_are_limited_as_the_one_of_the_usual_profile_is(stack: Stack) -> None:
    for broker in BROKERS:
        (container,) = stack.containers(broker)
        inspected = inspect(container)
        assert inspected["HostConfig"]["CapDrop"] == ["ALL"]
        assert inspected["HostConfig"]["SecurityOpt"] == ["no-new-privileges:true"]
        assert inspected["HostConfig"]["Memory"] == 1024**3
        assert inspected["State"]["Health"]["Status"] == "healthy"


def test_a_broker_may_be_lost_and_no_service_restarts(stack: Stack) -> None:
    assert sorted(stack.compose("ps", "--services").split()) == sorted([*BROKERS, *SERVICES])
    (producer,), (consumer,) = map(stack.containers, SERVICES)
    created = [event for event in events(producer) + events(consumer) if event["event"] == "Created topic"]
    assert {event["replication"] for event in created} == {3}
    since = [inspect(container)["State"]["StartedAt"] for container in (producer, consumer)]
    stack.compose("kill", "kafka-1")
    with httpx.Client(base_url=stack.api, timeout=PATIENCE) as client:
        for student in STUDENTS:
            insist(client, student)
    assert eventually(lambda: sorted(update.student for update in handled(consumer)) == sorted(STUDENTS))
    assert [inspect(container)["State"]["StartedAt"] for container in (producer, consumer)] == since
