"""What a bench plays on: a broker, topics, and servers, each on its cores."""

import asyncio
import contextlib
import sys
import time
from collections.abc import Iterator

import httpx

from rollcall_dev.bench import children, machine
from rollcall_dev.bench.errors import BenchError
from rollcall_dev.bench.machine import Cores, Others
from rollcall_dev.kafka import Broker, BrokerConfig, ports
from rollcall_domain.service.provision import ensure_topics, topic_name
from rollcall_domain.service.settings import PREFIX, load
from rollcall_domain.topics import STUDENT
from rollcall_producer.settings import ProducerSettings

_JVM_OPTIONS = ("-Xms768m", "-Xmx768m", "-XX:+UseSerialGC")
"""Unlike those for tests, with the compiler that pays off in the long run."""

_PROPERTIES = {
    # A bench writes without end, and nobody reads.
    "log.segment.bytes": str(64 * 1024 * 1024),
    "log.retention.bytes": str(128 * 1024 * 1024),
    "log.retention.check.interval.ms": "5000",
    "log.segment.delete.delay.ms": "1000",
}

_START_LIMIT = 30.0
"""Seconds for a server to become ready."""


def say(text: str) -> None:
    """Tell whoever waits how far it has come."""
    print(text, file=sys.stderr, flush=True)


class Server:
    """A server under test.

    Attributes:
        name: What it is called in the report.
        pid: Its process.
        host: Where it listens.
        port: Where it listens.
    """

    def __init__(self, name: str, pid: int, port: int) -> None:
        self.name = name
        self.pid = pid
        self.host = ports.HOST
        self.port = port

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.host}:{self.port}"

    def peak_memory(self) -> float:
        """Tell the most memory that it has had so far, in megabytes."""
        return machine.peak_memory(self.pid)


class Stage:
    """A broker and the cores of this machine.

    Attributes:
        cores: Which cores run what.
        bootstrap_servers: Where the broker is.
        directory: For files, until the end.
        others: What disturbs.
    """

    def __init__(self, cores: Cores, broker: Broker) -> None:
        self.cores = cores
        self.bootstrap_servers = broker.bootstrap_servers
        self.directory = broker.directory
        self.others = Others()

    def create_topic(self, prefix: str) -> str:
        """Create a topic of updates as the producer would, and give its name in full."""
        settings = load(ProducerSettings, self._settings(prefix))
        asyncio.run(ensure_topics([STUDENT], settings))
        return topic_name(STUDENT, settings)

    def _settings(self, prefix: str) -> dict[str, str]:
        return {PREFIX + "BOOTSTRAP_SERVERS": self.bootstrap_servers, PREFIX + "TOPIC_PREFIX": f"{prefix}."}

    @contextlib.contextmanager
    def serving(self, name: str, module: str) -> Iterator[Server]:
        """Run a server while the body runs; the body begins once it is ready.

        Args:
            name: What it is called, and a prefix for its topics.
            module: A Python module that reads the producer's settings.

        Raises:
            BenchError: It did not become ready.
        """
        port, log = ports.choose(), self.directory / f"{name}.log"
        settings = {**self._settings(name), PREFIX + "PORT": str(port)}
        with (
            log.open("wb") as output,
            children.running(children.module(module), self.cores.server, settings, log=output) as process,
        ):
            server = Server(name, process.pid, port)
            begin = time.monotonic()
            while not _ready(server.url):
                if process.poll() is not None or time.monotonic() - begin > _START_LIMIT:
                    raise BenchError(f"{name} did not become ready: {log.read_text()[-2000:]}")
                time.sleep(0.05)
            yield server


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


@contextlib.contextmanager
def raised() -> Iterator[Stage]:
    """Run a broker while the body runs, with this process on its cores, apart from the server under test."""
    cores = machine.divide()
    if cores.fault is not None:
        say(f"server and load share their cores: {cores.fault}")
    machine.raise_file_limit()
    with (
        machine.bound(cores.load),
        Broker(BrokerConfig(jvm_options=_JVM_OPTIONS, properties=_PROPERTIES)) as broker,
    ):
        yield Stage(cores, broker)
