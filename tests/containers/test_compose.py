"""The images under Docker Compose, as people deploy them."""

import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from hashlib import sha256

import httpx
import pytest

from support.compose import Stack, Update, docker, events, eventually, handled, inspect, up

pytestmark = pytest.mark.timeout(400)


def states(updates: list[Update]) -> dict[str, list[str]]:
    """List each student's states in the order of the log, which is that of handling within a partition."""
    found = defaultdict(list)
    for update in updates:
        found[update.student].append(update.state)
    return found


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with up("--scale", "consumer=3") as running:
        yield running


def test_replicas_share_updates_and_groups_each_see_all(stack: Stack) -> None:
    turns = ["LoggedIn", "LoggedOut", "LoggedIn"]
    students = [f"s-{number}" for number in range(200)]
    replicas = stack.containers("consumer")
    assert len(replicas) == 3
    second = stack.compose("run", "--detach", "-e", "ROLLCALL_GROUP=second", "consumer").strip()

    stack.put([(student, state) for student in students for state in turns])

    assert eventually(lambda: sum(len(handled(replica)) for replica in replicas) >= 600)
    shares = [handled(replica) for replica in replicas]
    places = Counter(update.place for share in shares for update in share)
    assert (len(places), max(places.values())) == (600, 1)
    assert all(shares), "every replica had a share"
    for share in shares:
        assert all(found == turns for found in states(share).values())
    assert eventually(lambda: len(handled(second)) >= 600)
    assert states(handled(second)) == dict.fromkeys(students, turns)

    late = stack.compose("run", "--detach", "-e", "ROLLCALL_GROUP=late", "consumer").strip()
    assert eventually(lambda: len(handled(late)) >= 600)
    assert states(handled(late)) == dict.fromkeys(students, turns)

    docker("kill", replicas[0])
    more = [f"t-{number}" for number in range(200)]
    stack.put([(student, "LoggedIn") for student in more])
    left = replicas[1:]
    assert eventually(lambda: {u.student for replica in left for u in handled(replica)} >= {*more})


def test_services_run_without_rights(stack: Stack) -> None:
    for service in ("producer", "consumer"):
        (container, *_) = stack.containers(service)
        inspected = inspect(container)
        limits = inspected["HostConfig"]
        assert limits["ReadonlyRootfs"]
        assert limits["CapDrop"] == ["ALL"]
        assert limits["Memory"] > 0
        assert inspected["Config"]["User"] == "10001:10001"
        assert inspected["State"]["Health"]["Status"] == "healthy"


def test_several_workers_run_where_no_file_can_be_written(stack: Stack) -> None:
    container = stack.compose("run", "--detach", "-e", "ROLLCALL_WORKERS=2", "producer").strip()
    wanted = [1, 2]
    assert eventually(
        lambda: sorted(e["worker"] for e in events(container) if e["event"] == "Connected to Kafka") == wanted
    )
    docker("stop", container)
    assert inspect(container)["State"]["ExitCode"] == 0


def _status(stack: Stack, path: str) -> int:
    try:
        return httpx.get(stack.api + path, timeout=10).status_code
    except httpx.TransportError:
        return 0


def test_what_was_sent_is_shown_also_after_the_api_has_started_again(stack: Stack) -> None:
    (producer,) = stack.containers("producer")
    stack.put([("shown", "LoggedIn")])
    assert eventually(lambda: _status(stack, "/Record/shown") == 200)
    docker("restart", producer)
    assert eventually(lambda: _status(stack, "/readyz") == 200)
    assert _status(stack, "/Record/shown") == 200
    assert len([event for event in events(producer) if event["event"] == "Building the view anew"]) == 1


def test_the_image_alone_lets_nobody_in_without_a_token(stack: Stack) -> None:
    image = f"{stack.project}-producer"
    command = ["docker", "run", "--rm", image]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 78
    assert "ROLLCALL_TOKENS_FILE, or ROLLCALL_ALLOW_ANONYMOUS=true" in refused.stderr
    token, line = docker("run", "--rm", image, "token", "gate", "--scope", "write").splitlines()
    assert line.split() == ["gate", "write", sha256(token.encode()).hexdigest()]


def test_stopping_is_clean(stack: Stack) -> None:
    (producer,) = stack.containers("producer")
    consumer = stack.containers("consumer")[-1]
    docker("stop", producer, consumer)
    for container in (producer, consumer):
        assert inspect(container)["State"]["ExitCode"] == 0
        assert events(container)[-1]["event"] == "Stopped"
