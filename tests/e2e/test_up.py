"""`scripts/up` as its user sees it."""

import asyncio
import os
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path

import httpx
import pytest

from rollcall_dev.kafka import ports
from rollcall_producer.tokens import Scope, make_token
from support.certificates import issue
from support.receiver import receiving
from support.services import PATIENCE, Event, Service, executing

ROOT = Path(__file__).parents[2]


async def test_check_sees_an_update_through_and_ends() -> None:
    async with _up("--check") as run:
        assert await run.end(None) == 0
    assert any("check passed: from PUT to handled in" in line for line in _lines(run))
    assert not any("\033" in line for line in _lines(run))


async def test_runs_until_ctrl_c_with_replicas_and_kept_data(tmp_path: Path) -> None:
    for updates in ("LoggedIn", "LoggedOut"):
        async with _up("--consumers", "2", "--data", str(tmp_path)) as run:
            url = await _url(run)
            async with httpx.AsyncClient() as client:
                answer = await client.put(url, json={"StudentId": "s-1", "State": updates})
            assert answer.status_code == 200
            await run.event(_says(f"Student s-1 updated state to {updates}"))
            assert await run.end(signal.SIGINT) == 0
        stopped = [line.split()[0] for line in _lines(run) if line.rstrip().endswith("Stopped")]
        assert sorted(stopped) == ["consumer-1", "consumer-2", "producer"]
    assert not any("updated state to LoggedIn" in line for line in _lines(run))


async def test_sends_alerts_where_it_is_told_to(tmp_path: Path) -> None:
    async with receiving() as receiver:
        settings = {"ROLLCALL_WEBHOOK_URL": receiver.url, "ROLLCALL_NARRATIONS": str(tmp_path)}
        async with _up(**settings) as run:
            url = await _url(run)
            async with httpx.AsyncClient() as client:
                for _ in range(2):
                    await client.put(url, json={"StudentId": "s-1", "State": "LoggedIn"})
            (call,) = await receiver.has_taken(1)
            assert call.student == "s-1"
            assert await run.end(signal.SIGINT) == 0
    stopped = {line.split()[0] for line in _lines(run) if line.rstrip().endswith("Stopped")}
    assert stopped == {"consumer", "notify", "narrate", "producer"}


async def test_uses_a_cluster_that_is_given(kafka: str) -> None:
    settings = {
        "ROLLCALL_BOOTSTRAP_SERVERS": kafka,
        "ROLLCALL_TOPIC_PREFIX": f"up-{os.getpid()}.",
        "ROLLCALL_GROUP": "up",
    }
    async with _up("--check", **settings) as run:
        assert await run.end(None) == 0
    assert not any(line.startswith("kafka") for line in _lines(run))


async def test_check_sends_a_token_where_one_is_needed(tmp_path: Path) -> None:
    token, line = make_token("check", [Scope.WRITE], None)
    (tmp_path / "tokens").write_text(line)
    certificate = issue(tmp_path)
    settings = {
        "ROLLCALL_TOKENS_FILE": str(tmp_path / "tokens"),
        "ROLLCALL_TLS_CERTIFICATE_FILE": str(certificate.file),
        "ROLLCALL_TLS_KEY_FILE": str(certificate.key),
    }
    async with _up("--check", **settings) as run:
        assert await run.end(None) == 1
    assert _lines(run) == [
        "rollcall: --check needs a token with the scope write in ROLLCALL_TOKEN, because ROLLCALL_TOKENS_FILE is set"
    ]
    async with _up("--check", **settings, ROLLCALL_TOKEN=token) as run:
        assert await run.end(None) == 0
    assert any("check passed" in line for line in _lines(run))
    assert any("--insecure -X PUT https://127.0.0.1:" in line for line in _lines(run))
    assert token not in "".join(_lines(run))


async def test_demo_plays_days_until_ctrl_c_and_is_the_first_to_end() -> None:
    async with _up("--demo", ROLLCALL_LOG_RECORDS="true") as run:
        url = (await _url(run)).removesuffix("/Record/Update")
        await run.event(_says(f"page   {url}/"))
        await run.event(_says("demo   a school day of 500 students at 60 times the speed"))
        await run.event(_says(" updated state to LoggedIn"))
        assert await run.end(signal.SIGINT) == 0
    ends = [line for line in _lines(run) if "accepted " in line or line.rstrip().endswith("Stopped")]
    assert [line.split()[0] for line in ends] == ["school", "producer", "consumer"]
    assert int(ends[0].split()[-1]) > 0
    assert not any("PUT" in line for line in _lines(run) if line.startswith("producer"))


async def test_demo_says_if_it_can_play_no_longer_and_ends() -> None:
    async with _up("--demo") as run:
        await run.event(_says("day 1, "))
        os.kill(_child(run.pid, "rollcall_dev.school"), signal.SIGKILL)
        assert await run.end(None) == 1
    assert "rollcall: school ended by SIGKILL" in _lines(run)[-1]


async def test_refuses_to_check_and_to_play_at_the_same_time() -> None:
    async with _up("--check", "--demo") as run:
        assert await run.end(None) == 2
    assert "argument --demo: not allowed with argument --check" in _lines(run)[-1]


async def test_says_which_part_died_and_stops_the_others() -> None:
    async with _up() as run:
        await _url(run)
        victim = _child(run.pid, "rollcall_consumer")
        os.kill(victim, signal.SIGKILL)
        assert await run.end(None) == 1
    assert "rollcall: consumer ended by SIGKILL" in _lines(run)[-1]
    assert any("Stopped" in line for line in _lines(run) if line.startswith("producer"))


async def test_goes_on_without_one_of_three_brokers_and_ends_without_two() -> None:
    async with _up("--brokers", "3") as run:
        url = await _url(run)
        services = [_child(run.pid, module) for module in ("rollcall_producer", "rollcall_consumer")]
        first, second, _ = _brokers(run)
        os.kill(first, signal.SIGKILL)
        await run.event(_says("broker 1 ended by SIGKILL"))
        students = [f"s-{number}" for number in range(20)]  # in all partitions
        await asyncio.gather(*(_insist(url, student) for student in students))
        for student in students:
            await run.event(_says(f"Student {student} updated state to LoggedIn"))
        assert services == [_child(run.pid, module) for module in ("rollcall_producer", "rollcall_consumer")]
        os.kill(second, signal.SIGKILL)
        assert await run.end(None) == 1
    assert _lines(run)[-1] == "rollcall: too few brokers are left to go on: 1 of 3"


async def test_refuses_a_number_of_brokers_that_could_lose_none() -> None:
    async with _up("--brokers", "2") as run:
        assert await run.end(None) == 2
    assert "--brokers: 2 is not 1, 3 or 5" in _lines(run)[-1]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP])
async def test_leaves_nothing_running_however_it_ends(number: signal.Signals) -> None:
    async with _up() as run:
        await _url(run)
        children = [os.pidfd_open(_child(run.pid, module)) for module in ("rollcall_producer", "rollcall_consumer")]
        await run.end(number)
        for child in children:
            assert await asyncio.to_thread(select.select, [child], [], [], PATIENCE) == ([child], [], [])
            os.close(child)


def test_ends_when_nobody_reads_along_any_more() -> None:
    command = [sys.executable, str(ROOT / "scripts/up"), "--port", str(ports.choose())]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        run.stdout.readline()
        run.stdout.close()
        assert run.wait(PATIENCE) == 0


async def test_says_why_it_cannot_run() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with _up("--port", str(port)) as run:
            assert await run.end(None) == 1
    assert f"ROLLCALL_PORT: can't listen on 127.0.0.1:{port}: Address already in use" in _lines(run)[-1]
    async with _up(ROLLCALL_GRUOP="x") as run:
        assert await run.end(None) == 1
    assert _lines(run)[-1] == "rollcall: ROLLCALL_GRUOP: no such setting; is ROLLCALL_GROUP meant?"


def _up(*arguments: str, **variables: str) -> AbstractAsyncContextManager[Service]:
    if "--port" not in arguments:
        arguments = (*arguments, "--port", str(ports.choose()))
    return executing(str(ROOT / "scripts/up"), *arguments, **variables)


def _says(text: str) -> Callable[[Event], bool]:
    return lambda event: text in event["event"]


def _lines(run: Service) -> list[str]:
    return [event["event"] for event in run.events]


async def _url(run: Service) -> str:
    welcome = await run.event(lambda event: re.search(r"API +http", event["event"]) is not None)
    return str(welcome["event"].split()[-1])


def _brokers(run: Service) -> list[int]:
    """Read the process ids of the brokers."""
    lines = (re.search(r"broker \d listening on \S+, process (\d+)", line) for line in _lines(run))
    return [int(line[1]) for line in lines if line is not None]


async def _insist(url: str, student: str) -> None:
    """Send an update with a key until it is accepted, as a client does."""
    async with asyncio.timeout(PATIENCE), httpx.AsyncClient(timeout=PATIENCE) as client:
        headers = {"Idempotency-Key": student}
        while (
            await client.put(url, json={"StudentId": student, "State": "LoggedIn"}, headers=headers)
        ).status_code != 200:
            pass


def _child(parent: int, module: str) -> int:
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdecimal() and module.encode() in (entry / "cmdline").read_bytes():
                status = (entry / "status").read_text()
                if f"PPid:\t{parent}\n" in status:
                    return int(entry.name)
    raise AssertionError(f"{module} is no child of {parent}")
