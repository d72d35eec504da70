"""What a bench plays on: a broker, topics, and servers, each on its cores."""

import asyncio
import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import httpx

from rollcall_dev.bench import children, machine
from rollcall_dev.bench.errors import BenchError
from rollcall_dev.bench.machine import Cores, Others
from rollcall_dev.kafka import Broker, BrokerConfig, ports
from rollcall_domain.service.provision import ensure_topics, topic_name
from rollcall_domain.service.settings import PREFIX
from rollcall_domain.topics import PARTITIONS, STUDENT
from rollcall_producer.settings import ProducerSettings

_JVM_OPTIONS = ("-Xms768m", "-Xmx768m", "-XX:+UseSerialGC")
"""Unlike those for tests, with the compiler that pays off in the long run."""

ENDLESS = {
    # A bench writes without end, and nobody reads.
    "log.segment.bytes": str(64 * 1024 * 1024),
    "log.retention.bytes": str(128 * 1024 * 1024),
    "log.retention.check.interval.ms": "5000",
    "log.segment.delete.delay.ms": "1000",
}
"""Properties of a broker that keeps the latest records alone."""

LASTING = {
    "log.segment.bytes": str(64 * 1024 * 1024),
    "log.segment.delete.delay.ms": "1000",
}
"""Properties of a broker that keeps what it is not told to delete."""

_END_LIMIT = 60.0
"""Seconds for a server to end."""

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
        log: The file of what it says.
    """

    def __init__(self, name: str, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.name = name
        self.pid = process.pid
        self.host = ports.HOST
        self.port = port
        self.log = log
        self._process = process

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.host}:{self.port}"

    def check(self) -> None:
        """Make sure that it is still there.

        Raises:
            BenchError: It has ended.
        """
        if self._process.poll() is not None:
            raise BenchError(f"{self.name} has ended: {self.said()}")

    def ready(self) -> bool:
        """Tell whether it is ready."""
        try:
            return httpx.get(f"{self.url}/readyz", trust_env=False).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def await_ready(self, limit: float = _START_LIMIT) -> None:
        """Wait until it is ready.

        Args:
            limit: For so many seconds at the most.

        Raises:
            BenchError: It did not become ready.
        """
        begin = time.monotonic()
        while not self.ready():
            self.check()
            if time.monotonic() - begin > limit:
                raise BenchError(f"{self.name} did not become ready: {self.said()}")
            time.sleep(0.05)

    def end(self, number: signal.Signals) -> None:
        """End it with a signal."""
        self._process.send_signal(number)
        self._process.wait(_END_LIMIT)

    def said(self) -> str:
        """Give the last that it has said."""
        return self.log.read_text()[-2000:]

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

    def create_topic(self, prefix: str, partitions: int = PARTITIONS) -> str:
        """Create a topic of updates as the producer would, and give its name in full."""
        settings = ProducerSettings(
            bootstrap_servers=self.bootstrap_servers, topic_prefix=f"{prefix}.", partitions=partitions
        )
        asyncio.run(ensure_topics([STUDENT], settings))
        return topic_name(STUDENT, settings)

    @contextlib.contextmanager
    def serving(self, name: str, module: str) -> Iterator[Server]:
        """Run a server while the body runs; the body begins once it is ready.

        Args:
            name: What it is called, and a prefix for its topics.
            module: A Python module that reads the producer's settings.

        Raises:
            BenchError: It did not become ready.
        """
        with self.running(name, [module], {"TOPIC_PREFIX": f"{name}."}) as server:
            server.await_ready()
            yield server

    @contextlib.contextmanager
    def running(
        self, name: str, module: Sequence[str], settings: Mapping[str, str], cores: frozenset[int] | None = None
    ) -> Iterator[Server]:
        """Run a server while the body runs, which begins at once.

        Args:
            name: What it is called; no two servers are called alike.
            module: A Python module and its arguments.
            settings: Its settings, by the names of their variables without the prefix that all have.
            cores: Where it may run, if not on the core for a server under test.
        """
        port, log = ports.choose(), self.directory / f"{name}.log"
        given = {"BOOTSTRAP_SERVERS": self.bootstrap_servers, "PORT": str(port), **settings}
        environ = {PREFIX + name: value for name, value in given.items()}
        where = self.cores.server if cores is None else cores
        with (
            log.open("wb") as output,
            children.running(children.module(*module), where, environ, log=output) as process,
        ):
            yield Server(name, process, port, log)


@contextlib.contextmanager
def raised(properties: Mapping[str, str] = ENDLESS) -> Iterator[Stage]:
    """Run a broker while the body runs, with this process on its cores, apart from the server under test.

    Args:
        properties: The broker's properties, apart from those that any broker has here.
    """
    cores = machine.divide()
    if cores.fault is not None:
        say(f"server and load share their cores: {cores.fault}")
    machine.raise_file_limit()
    with (
        machine.bound(cores.load),
        Broker(BrokerConfig(jvm_options=_JVM_OPTIONS, properties=properties)) as broker,
    ):
        yield Stage(cores, broker)
