"""The profile of two clusters under Docker Compose: the first one is lost, and the second one takes over."""

from collections import Counter
from collections.abc import Iterator

import pytest

from support.compose import STUDENTS, Stack, eventually, handled, inspect, up

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with up(profile="dr") as running:
        yield running


def test_what_stands_by_is_healthy_and_limited(stack: Stack) -> None:
    memory = {"kafka-standby": 1024, "mirror": 512, "consumer-standby": 512}
    for service, mebibytes in memory.items():
        (container,) = stack.containers(service)
        inspected = inspect(container)
        assert inspected["State"]["Health"]["Status"] == "healthy"
        assert inspected["HostConfig"]["CapDrop"] == ["ALL"]
        assert inspected["HostConfig"]["SecurityOpt"] == ["no-new-privileges:true"]
        assert inspected["HostConfig"]["Memory"] == mebibytes * 1024**2
        assert inspected["HostConfig"]["ReadonlyRootfs"] == (service != "kafka-standby")


def test_the_second_cluster_takes_over_and_has_all_that_was_copied(stack: Stack) -> None:
    (standby,) = stack.containers("consumer-standby")
    came, left = ([(student, state) for student in STUDENTS] for state in ("LoggedIn", "LoggedOut"))

    stack.put(came)
    assert eventually(lambda: seen(standby) == Counter(came))

    stack.compose("kill", "kafka", "consumer", "mirror")
    stack.compose("up", "--detach", "--wait", "--no-deps", "producer", KAFKA_SERVERS="kafka-standby:19092")
    stack.put(left)
    assert eventually(lambda: seen(standby) == Counter(came + left))


def seen(container: str) -> Counter[tuple[str, str]]:
    """Count the effects of each update."""
    return Counter((update.student, update.state) for update in handled(container))
