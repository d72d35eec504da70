"""The services as real processes, and their logs as events."""

import asyncio
import os
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import msgspec

from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.service.settings import load
from rollcall_producer.settings import ProducerSettings

PATIENCE = 40.0
"""Seconds after which an event that has not come will not come."""

LONGEST = 16 * 1024 * 1024
"""Bytes of a line of a log, at the most: Kafka's clients log whole answers when they debug, with all topics in them."""

Event = dict[str, Any]


class Environment:
    """The environment of services that share a Kafka and topics."""

    def __init__(self, servers: str, prefix: str) -> None:
        self.servers = servers
        self.prefix = prefix
        self._variables = {
            "ROLLCALL_BOOTSTRAP_SERVERS": servers,
            "ROLLCALL_TOPIC_PREFIX": prefix,
            "ROLLCALL_PORT": "0",
            "ROLLCALL_LOG_FORMAT": "json",
        }

    @property
    def student(self) -> str:
        """The topic of updates."""
        return f"{self.prefix}Student"

    @property
    def dead_letters(self) -> str:
        """The topic of dead letters."""
        return f"{self.prefix}Student.DeadLetters"

    def variables(self, **settings: object) -> dict[str, str]:
        """Give the ROLLCALL_* variables, with further ones by their names in lower case."""
        return {**self._variables, **{f"ROLLCALL_{name.upper()}": str(value) for name, value in settings.items()}}

    def producer(self, **settings: object) -> ProducerSettings:
        """Give settings for a producer in this process."""
        return load(ProducerSettings, self.variables(**{"views": False, **settings}))

    def consumer(self, **settings: object) -> ConsumerSettings:
        """Give settings for a consumer in this process."""
        return load(ConsumerSettings, self.variables(**settings))


class Service:
    """A running service.

    Attributes:
        events: All that it has logged.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.events: list[Event] = []
        self._process = process
        self._changed = asyncio.Condition()
        self._reader = asyncio.create_task(self._read())

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.returncode is None

    @property
    def url(self) -> str:
        """Where it serves HTTP."""
        return next(str(event["url"]) for event in self.events if event["event"] == "Serving HTTP")

    async def event(self, matches: Callable[[Event], bool]) -> Event:
        """Wait for an event that matches."""
        return (await self.events_until(lambda events: any(map(matches, events)), matches))[0]

    async def events_until(
        self, enough: Callable[[list[Event]], bool], matches: Callable[[Event], bool] = lambda _: True
    ) -> list[Event]:
        """Wait until the events are enough, and give those that match."""
        try:
            async with asyncio.timeout(PATIENCE), self._changed:
                await self._changed.wait_for(lambda: enough(self.events) or self._reader.done())
        except TimeoutError:
            raise AssertionError(f"what was waited for did not come; the last events: {self.events[-20:]}") from None
        assert enough(self.events), f"the process has ended; the last events: {self.events[-20:]}"
        return [event for event in self.events if matches(event)]

    async def grows(self, size: int) -> None:
        """Wait until there are more events than a number."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.events) > size)

    async def ready(self, verify: ssl.SSLContext | bool = True) -> "Service":  # noqa: FBT001, FBT002 - as httpx has it
        """Wait until it says that it is ready; over HTTPS, with whom to trust."""
        await self.event(lambda event: event["event"] == "Serving HTTP")
        async with asyncio.timeout(PATIENCE), httpx.AsyncClient(verify=verify) as client:
            while (await client.get(f"{self.url}/readyz")).status_code != httpx.codes.OK:  # noqa: ASYNC110 - can only be asked
                await asyncio.sleep(0.02)
        return self

    async def fault(self) -> str:
        """Wait until it says why it waits for Kafka: in its log, and to who asks whether it is ready."""
        said = await self.event(lambda event: event["event"] == "Waiting for Kafka")
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{self.url}/readyz")
        assert (answer.status_code, answer.json()["reason"]) == (httpx.codes.SERVICE_UNAVAILABLE, said["reason"])
        return str(said["reason"])

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def end(self, number: signal.Signals | None = signal.SIGTERM) -> int:
        """Send a signal, and wait for the exit status."""
        if number is not None and self._process.returncode is None:
            self._process.send_signal(number)
        async with asyncio.timeout(PATIENCE):
            status = await self._process.wait()
            await self._reader
        return status

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            async with self._changed:
                self.events.append(_event(line))
                self._changed.notify_all()
        async with self._changed:
            self._changed.notify_all()


def _event(line: bytes) -> Event:
    try:
        event = msgspec.json.decode(line)
    except msgspec.DecodeError:
        event = None
    return event if isinstance(event, dict) else {"event": line.decode().rstrip()}


def running(module: str, *arguments: str, **variables: str) -> AbstractAsyncContextManager[Service]:
    """Run a module as a process, and end it with the body."""
    return executing("-m", module, *arguments, **variables)


@asynccontextmanager
async def executing(*arguments: str, **variables: str) -> AsyncIterator[Service]:
    """Run Python as a process, and end it with the body."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        env={**os.environ, **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=LONGEST,
    )
    service = Service(process)
    try:
        yield service
    finally:
        await service.end()


def producer(environment: Environment, **settings: object) -> AbstractAsyncContextManager[Service]:
    """Run a producer; it shows nothing unless that is asked for, as that takes a broker five topics more."""
    return running("rollcall_producer", **environment.variables(**{"views": False, **settings}))


def consumer(environment: Environment, **settings: object) -> AbstractAsyncContextManager[Service]:
    """Run a replica of the consumer."""
    return running("rollcall_consumer", "run", **environment.variables(**settings))


async def until(services: Sequence[Service], enough: Callable[[], bool]) -> None:
    """Wait until the events of several services are enough together."""
    async with asyncio.timeout(PATIENCE):
        while True:
            sizes = [len(service.events) for service in services]
            if enough():
                return
            growth = [asyncio.create_task(s.grows(size)) for s, size in zip(services, sizes, strict=True)]
            await asyncio.wait(growth, return_when=asyncio.FIRST_COMPLETED)
            for task in growth:
                task.cancel()


def updates(events: list[Event]) -> list[Event]:
    """Pick what a consumer has said of updates."""
    return [event for event in events if " updated state to " in event["event"]]


def warnings(events: list[Event]) -> list[str]:
    """Pick what is more than information."""
    return [event["event"] for event in events if event.get("level") != "info"]
