"""The images under Docker Compose, as people deploy them."""

import json
import os
import subprocess
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from rollcall_dev.kafka import ports

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0

pytestmark = pytest.mark.timeout(400)


class Update(NamedTuple):
    """What a replica said of an update."""

    student: str
    state: str
    place: tuple[int, int]


class Stack:
    """A Compose project of its own, on ports of its own."""

    def __init__(self) -> None:
        self.project = f"rollcall-test-{uuid.uuid4().hex[:8]}"
        self.api = f"http://127.0.0.1:{(port := ports.choose())}"
        self._environ = {**os.environ, "API_PORT": str(port), "KAFKA_PORT": str(ports.choose())}

    def compose(self, *arguments: str) -> str:
        """Run `docker compose`."""
        command = ["docker", "compose", "--project-name", self.project, *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self._environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def consumers(self) -> list[str]:
        """Name the replicas' containers."""
        return sorted(self.compose("ps", "--quiet", "consumer").split())

    def put(self, updates: list[tuple[str, str]]) -> None:
        """Send updates; those of a student one after the other."""
        by_student = defaultdict(list)
        for student, state in updates:
            by_student[student].append(state)
        with httpx.Client(base_url=self.api, timeout=30) as client, ThreadPoolExecutor(20) as pool:

            def send(student: str) -> list[int]:
                return [
                    client.put("/Record/Update", json={"StudentId": student, "State": state}).status_code
                    for state in by_student[student]
                ]

            assert {status for statuses in pool.map(send, by_student) for status in statuses} == {200}


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout


def events(container: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in docker("logs", container).splitlines() if line.startswith("{")]


def handled(container: str) -> list[Update]:
    updates = [event for event in events(container) if " updated state to " in event["event"]]
    return [
        Update(update["event"].split()[1], update["event"].split()[-1], (update["partition"], update["offset"]))
        for update in updates
    ]


def eventually(holds: Callable[[], bool]) -> bool:
    """Ask again and again: the logs of containers can only be asked for."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def states(updates: list[Update]) -> dict[str, list[str]]:
    """List each student's states in the order of the log, which is that of handling within a partition."""
    found = defaultdict(list)
    for update in updates:
        found[update.student].append(update.state)
    return found


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    built = Stack()
    try:
        built.compose("build")
        built.compose("up", "--detach", "--wait", "--scale", "consumer=3")
        yield built
    finally:
        built.compose("down", "--volumes", "--remove-orphans", "--rmi", "local", "--timeout", "15")


def test_replicas_share_updates_and_groups_each_see_all(stack: Stack) -> None:
    turns = ["LoggedIn", "LoggedOut", "LoggedIn"]
    students = [f"s-{number}" for number in range(200)]
    replicas = stack.consumers()
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
        (container, *_) = stack.compose("ps", "--quiet", service).split()
        inspected = json.loads(docker("inspect", container))[0]
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
    assert json.loads(docker("inspect", container))[0]["State"]["ExitCode"] == 0


def test_the_image_alone_lets_nobody_in_without_a_token(stack: Stack) -> None:
    image = f"{stack.project}-producer"
    command = ["docker", "run", "--rm", image]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 78
    assert "ROLLCALL_TOKENS_FILE, or ROLLCALL_ALLOW_ANONYMOUS=true" in refused.stderr
    token, line = docker("run", "--rm", image, "token", "gate", "--scope", "write").splitlines()
    assert line.split() == ["gate", "write", sha256(token.encode()).hexdigest()]


def test_stopping_is_clean(stack: Stack) -> None:
    (producer,) = stack.compose("ps", "--quiet", "producer").split()
    consumer = stack.consumers()[-1]
    docker("stop", producer, consumer)
    for container in (producer, consumer):
        assert json.loads(docker("inspect", container))[0]["State"]["ExitCode"] == 0
        assert events(container)[-1]["event"] == "Stopped"
