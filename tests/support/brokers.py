"""The Kafka that tests run against: one that is given, or a container, or an embedded one."""

import functools
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from rollcall_dev.kafka import Broker, ports, protocol

IMAGE = "apache/kafka:4.3.1"
START_LIMIT = 60.0

GIVEN = os.environ.get("ROLLCALL_BOOTSTRAP_SERVERS")
"""Read when the tests are collected, because each of them starts without settings."""


# The reaper is a further image to pull; the one container here is removed by whoever has started it.
testcontainers_config.ryuk_disabled = True


@functools.cache
def docker_answers() -> bool:
    """Whether there is a Docker engine to use."""
    docker = shutil.which("docker")
    return docker is not None and subprocess.run([docker, "info"], capture_output=True, check=False).returncode == 0


def choice() -> str:
    """Say which Kafka is used, and why."""
    if GIVEN is not None:
        return f"{GIVEN}, from ROLLCALL_BOOTSTRAP_SERVERS"
    if docker_answers():
        return f"{IMAGE} in a container, because Docker answers"
    return "embedded, because Docker does not answer"


@contextmanager
def running() -> Iterator[str]:
    """Run the Kafka of choice, and give its bootstrap servers."""
    if GIVEN is not None:
        yield GIVEN
    elif docker_answers():
        with _container() as servers:
            yield servers
    else:
        with Broker() as broker:
            yield broker.bootstrap_servers


@contextmanager
def _container() -> Iterator[str]:
    port = ports.choose()
    settings = {
        "NODE_ID": "1",
        "PROCESS_ROLES": "broker,controller",
        "CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        # The broker reaches itself, as transactions need it, by a listener inside the container.
        "LISTENERS": "CLIENTS://:9092,INTERNAL://localhost:19092,CONTROLLER://:9093",
        "ADVERTISED_LISTENERS": f"CLIENTS://127.0.0.1:{port},INTERNAL://localhost:19092",
        "LISTENER_SECURITY_PROTOCOL_MAP": "CLIENTS:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "INTER_BROKER_LISTENER_NAME": "INTERNAL",
        "AUTO_CREATE_TOPICS_ENABLE": "false",
        "GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "OFFSETS_TOPIC_NUM_PARTITIONS": "3",
        "OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "TRANSACTION_STATE_LOG_MIN_ISR": "1",
    }
    container = DockerContainer(IMAGE, env={f"KAFKA_{name}": value for name, value in settings.items()})
    with container.with_bind_ports(9092, port):
        _await_broker(port)
        yield f"127.0.0.1:{port}"


def _await_broker(port: int) -> None:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        try:
            if protocol.members(port, 1.0):
                return
        except OSError:
            time.sleep(0.05)  # nobody tells when a port begins to listen
    raise TimeoutError(f"Kafka did not come up on port {port}")
