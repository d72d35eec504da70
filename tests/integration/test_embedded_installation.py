"""The first start: what is fetched and made, and what is said if it cannot be."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rollcall_dev.kafka import Broker
from rollcall_dev.kafka.cache import user_cache

START = """
from rollcall_dev.kafka import Broker, KafkaStartError
try:
    with Broker() as broker:
        print("ready")
except KafkaStartError as error:
    print(error)
"""


def test_first_start_without_network_says_so(tmp_path: Path) -> None:
    # A proxy at a port where nobody listens is as good as no network.
    result = start(tmp_path, https_proxy="http://127.0.0.1:9")

    (message,) = result.stdout.splitlines()
    assert "cannot fetch" in message
    assert "needs the network" in message


def test_two_first_starts_at_once_share_the_work(tmp_path: Path) -> None:
    starts = [launch(tmp_path), launch(tmp_path)]
    results = [process.communicate() for process in starts]

    assert [out for out, _ in results] == ["ready\n", "ready\n"]
    assert sorted("fetched" in err for _, err in results) == [False, True]


def test_an_interrupted_first_start_is_made_good(tmp_path: Path) -> None:
    interrupted = launch(tmp_path)
    assert interrupted.stderr is not None
    interrupted.stderr.readline()
    while not list(tmp_path.glob("rollcall/*/incomplete/**/*.jar")):
        assert interrupted.poll() is None
    interrupted.kill()
    interrupted.communicate()

    # Nor may the machine's own Java or Maven be of help.
    assert start(tmp_path, PATH="", JAVA_HOME="").stdout == "ready\n"
    assert not list(tmp_path.glob("rollcall/*/incomplete"))


def test_later_starts_are_quiet_and_need_no_network() -> None:
    with Broker():
        pass

    result = start(user_cache().parent, https_proxy="http://127.0.0.1:9", PATH="")

    assert (result.stdout, result.stderr) == ("ready\n", "")


def test_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()

    (message,) = start(blocked).stdout.splitlines()

    assert str(blocked) in message
    assert "not writable" in message


@pytest.mark.parametrize("stop", ["SIGINT", "SIGTERM"])
def test_command_runs_until_told_to_stop(stop: str) -> None:
    # A shell that runs tests in the background has told them, and all that they start, to ignore SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    command = [sys.executable, "-m", "rollcall_dev.kafka", "--property", "a.b=c"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("bootstrap servers: 127.0.0.1:")
    log = Path(process.stdout.readline().removeprefix("log: ").strip())
    assert log.exists()

    process.send_signal(signal.Signals[stop])
    _, errors = process.communicate()

    assert (process.returncode, errors) == (0, "")
    assert not log.exists()


def start(cache: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    process = launch(cache, **extra)
    output, errors = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def launch(cache: Path, **extra: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", START],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(XDG_CACHE_HOME=str(cache), **extra),
    )


def environment(**extra: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **extra}
