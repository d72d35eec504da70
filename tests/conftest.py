"""What tests share: a real Kafka, and settings that keep them apart on it."""

import asyncio
import os
import uuid
from collections.abc import Iterator

import pytest

from support import brokers, fuzzing
from support.log import await_groups, delete_topics
from support.secure import SecureKafka, secure_kafka
from support.services import Environment


def pytest_addoption(parser: pytest.Parser) -> None:
    fuzzing.add_options(parser)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    fuzzing.configure(config, items)


def pytest_runtest_teardown(item: pytest.Item) -> None:
    fuzzing.count(item)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in fuzzing.summary(terminalreporter):
        terminalreporter.line(line)


def pytest_report_header() -> str:
    return f"kafka: {brokers.choice()}"


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """Bootstrap servers of a real Kafka."""
    with brokers.running() as servers:
        asyncio.run(await_groups(servers))
        yield servers


@pytest.fixture(scope="session")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    """A Kafka that asks for TLS and credentials."""
    with secure_kafka(tmp_path_factory.mktemp("secure")) as kafka:
        yield kafka


@pytest.fixture
def environment(kafka: str) -> Iterator[Environment]:
    """Settings of services that share topics with nobody else.

    Their topics are gone afterwards: clients that start are told of all that there are, which takes them time.
    """
    environment = Environment(kafka, prefix=f"test-{uuid.uuid4().hex[:12]}.")
    yield environment
    delete_topics(kafka, environment.prefix)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("ROLLCALL_")]:
        monkeypatch.delenv(name)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1,localhost")
