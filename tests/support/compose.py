"""What tests do with Docker Compose: a project of their own, and what its containers have said."""

import json
import os
import subprocess
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from rollcall_dev.kafka import ports

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0

PUBLISHED = ("API_PORT", "KAFKA_PORT", "KAFKA_PORT_2", "KAFKA_PORT_3", "KAFKA_STANDBY_PORT")
"""Ports of this machine that lead to containers."""

STUDENTS = [f"s-{number}" for number in range(20)]
"""Students in all partitions."""


class Update(NamedTuple):
    """What a replica said of an update."""

    student: str
    state: str
    place: tuple[int, int]


class Stack:
    """A Compose project of its own, on ports of its own; with a profile, if it is not the usual one."""

    def __init__(self, profile: str | None = None) -> None:
        self.project = f"rollcall-test-{uuid.uuid4().hex[:8]}"
        taken = dict(zip(PUBLISHED, map(str, ports.choose_several(len(PUBLISHED))), strict=True))
        self.api = f"http://127.0.0.1:{taken['API_PORT']}"
        self._environ = {**os.environ, **taken}
        self._profile = [] if profile is None else ["--profile", profile]

    def compose(self, *arguments: str, **environ: str) -> str:
        """Run `docker compose`, with further variables."""
        command = ["docker", "compose", "--project-name", self.project, *self._profile, *arguments]
        variables = {**self._environ, **environ}
        done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def containers(self, service: str) -> list[str]:
        """Name the containers of a service."""
        return sorted(self.compose("ps", "--quiet", service).split())

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


@contextmanager
def up(*arguments: str, profile: str | None = None) -> Iterator[Stack]:
    """Build the images and run them while the body runs, with further arguments for `docker compose up`."""
    stack = Stack(profile)
    try:
        stack.compose("build")
        stack.compose("up", "--detach", "--wait", *arguments)
        yield stack
    finally:
        stack.compose("down", "--volumes", "--remove-orphans", "--rmi", "local", "--timeout", "15")


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


def inspect(container: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(docker("inspect", container))[0]
    return found


def eventually(holds: Callable[[], bool]) -> bool:
    """Ask again and again: the logs of containers can only be asked for."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True
