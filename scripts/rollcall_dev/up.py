"""All of Rollcall on one machine: Kafka, the producer and consumers, until Ctrl-C."""

import argparse
import asyncio
import os
import signal
import sys
import uuid
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import httpx

from rollcall_consumer.settings import ConsumerSettings
from rollcall_dev import brokers, demo
from rollcall_dev.arguments import TOKEN
from rollcall_dev.kafka import KafkaStartError, ports
from rollcall_dev.kafka.config import replication
from rollcall_dev.processes import running, show
from rollcall_domain.errors import ConfigurationError
from rollcall_domain.service.probe import any_certificate, own_url
from rollcall_domain.service.settings import PREFIX, ServiceSettings, known_names, load
from rollcall_producer.settings import ProducerSettings

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

START_LIMIT = 60.0
"""Seconds for all parts to become ready."""

CHECK_LIMIT = 30.0
"""Seconds for the update of `--check` to be handled."""

STOP_LIMIT = 12.0
"""Seconds for a service to end."""


class Failure(Exception):  # noqa: N818 - one line for the user, and the end
    """Something that ends the run, in one line."""


def main() -> int:
    """Run everything.

    Returns:
        0 after a signal to end or a check that went well, and else 1.
    """
    for number in SIGNALS:  # as long as the services do not run, which are ended in order
        signal.signal(number, lambda *_: sys.exit(0))
    options = _options()
    try:
        plans = _plan(options)
        with brokers.running(options.brokers, options.kafka_port, options.data) as kafka:
            asyncio.run(_run(options, plans, kafka))
    except (Failure, ConfigurationError, KafkaStartError) as error:
        print(f"rollcall: {error}", file=sys.stderr)
        return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/up",
        description="Run Kafka, the producer and a consumer on this machine. With ROLLCALL_BOOTSTRAP_SERVERS set, "
        "that cluster is used and no Kafka is started. Other ROLLCALL_* settings reach the services, but for "
        "ROLLCALL_HOST and ROLLCALL_PORT. With ROLLCALL_WEBHOOK_URL set, alerts are sent there; with "
        "ROLLCALL_NARRATIONS set, they become sound files in that directory. With ROLLCALL_TOKENS_FILE set, --check "
        "and --demo send the token in ROLLCALL_TOKEN.",
    )
    parser.add_argument("--port", type=int, default=8000, help="of the API (default: %(default)s)")
    parser.add_argument("--consumers", type=_count, default=1, metavar="N", help="replicas (default: %(default)s)")
    parser.add_argument(
        "--brokers", type=brokers.number, default=1, metavar="N", help="1, 3 or 5; of three, one may end (default: 1)"
    )
    parser.add_argument(
        "--kafka-port",
        type=int,
        help=f"of the first broker, which the others follow (default: {brokers.PORT}, or any if in use)",
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep Kafka's data there (default: throw away)")
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--check", action="store_true", help="see one update through from HTTP to a consumer, and end")
    either.add_argument("--demo", action="store_true", help=f"have something to look at: {demo.SUMMARY}")
    return parser.parse_args()


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("at least one consumer is needed")
    return count


async def _run(options: argparse.Namespace, plans: list["_Plan"], kafka: brokers.Kafka) -> None:
    stopping, seen = asyncio.Event(), _Seen()
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as parts:
        ends = [asyncio.create_task(kafka.ended())] if kafka.brokers else []
        for plan in plans:
            environ = {**plan.environ, PREFIX + "BOOTSTRAP_SERVERS": kafka.servers}
            service = running(plan.name, plan.arguments, environ, grace=STOP_LIMIT, watch=seen)
            child = await parts.enter_async_context(service)
            ends.append(asyncio.create_task(child.ended()))
        work = asyncio.create_task(_work(options, [plan.url for plan in plans], kafka.servers, seen))
        await _until_any([asyncio.create_task(stopping.wait()), work], ends)


async def _until_any(wanted: list[asyncio.Task[Any]], ends: list[asyncio.Task[str]]) -> None:
    """Wait until something wanted is done, and end all else that is waited for.

    Raises:
        Failure: A part ended before.
    """
    try:
        done, _ = await asyncio.wait([*wanted, *ends], return_when=asyncio.FIRST_COMPLETED)
        for task in wanted:
            if task in done:
                task.result()
                return
        raise Failure(next(task.result() for task in ends if task in done))
    finally:
        for task in (*wanted, *ends):
            task.cancel()
        await asyncio.wait([*wanted, *ends])


async def _work(options: argparse.Namespace, urls: list[str], servers: str, seen: "_Seen") -> None:
    await _ready(urls)
    _welcome(urls[-1], servers)
    if options.check:
        await _check(urls[-1], seen)
    elif options.demo:
        demo.welcome()
        async with demo.playing(urls[-1], used=options.data is not None or brokers.GIVEN in os.environ) as school:
            raise Failure(await school.ended())
    else:
        await asyncio.Event().wait()


@dataclass
class _Plan:
    """A service that is to run."""

    name: str
    arguments: list[str]
    environ: dict[str, str]
    url: str


def _plan(options: argparse.Namespace) -> list[_Plan]:
    """Plan consumers and then the producer, so that the producer is the first to end.

    Raises:
        ConfigurationError: A setting of the user's is at fault.
        Failure: A token is needed and not there.
    """
    names = [f"consumer-{n}" for n in range(1, options.consumers + 1)] if options.consumers > 1 else ["consumer"]
    pipelines = [*((name, "record") for name in names), *((name, name) for name in _effects())]
    plans = []
    for name, pipeline in pipelines:
        environ = _environ(ConsumerSettings, ports.choose(), options)
        if options.check:
            environ |= {PREFIX + "LOG_RECORDS": "true", PREFIX + "LOG_LEVEL": "info"}
        plans.append(_Plan(name, ["rollcall_consumer", "run", pipeline], environ, own_url(environ, "")))
    environ = _environ(ProducerSettings, options.port, options)
    if (options.check or options.demo) and environ.get(PREFIX + "TOKENS_FILE") and TOKEN not in os.environ:
        option = "--check" if options.check else "--demo"
        raise Failure(f"{option} needs a token with the scope write in {TOKEN}, because {PREFIX}TOKENS_FILE is set")
    return [*plans, _Plan("producer", ["rollcall_producer"], environ, own_url(environ, ""))]


def _effects() -> list[str]:
    """Name the effects for which there are settings."""
    wanted = {"notify": PREFIX + "WEBHOOK_URL", "narrate": PREFIX + "NARRATIONS"}
    return [name for name, setting in wanted.items() if setting in os.environ]


def _environ(kind: type[ServiceSettings], port: int, options: argparse.Namespace) -> dict[str, str]:
    """Build a service's environment: of the user's settings, those that the service knows."""
    foreign = {*known_names(ProducerSettings), *known_names(ConsumerSettings)} - {*known_names(kind)}
    usual = {PREFIX + "LOG_FORMAT": "console", **(demo.QUIET if options.demo else {})}
    environ = {name: value for name, value in {**usual, **os.environ}.items() if name not in {*foreign, TOKEN}}
    if brokers.GIVEN not in environ:
        environ.setdefault(PREFIX + "REPLICATION", str(replication(options.brokers)))
    environ |= {PREFIX + "HOST": "127.0.0.1", PREFIX + "PORT": str(port)}
    load(kind, environ)
    return environ


class _Seen:
    """Looks out for a line in the consumers' logs."""

    def __init__(self) -> None:
        self._expected: tuple[str, asyncio.Event] | None = None

    def __call__(self, line: str) -> None:
        if self._expected is not None and self._expected[0] in line:
            self._expected[1].set()

    def expect(self, text: str) -> asyncio.Event:
        """Look out for a text from now on; the event is set when it comes."""
        self._expected = text, asyncio.Event()
        return self._expected[1]


async def _ready(urls: Iterable[str]) -> None:
    started = monotonic()
    async with httpx.AsyncClient(trust_env=False, verify=any_certificate()) as client:
        for url in urls:
            while (fault := await _fault(client, url)) is not None:
                if monotonic() - started > START_LIMIT:
                    raise Failure(f"{url} is not ready after {START_LIMIT:.0f} s: {fault}")
                await asyncio.sleep(0.05)


async def _fault(client: httpx.AsyncClient, url: str) -> str | None:
    try:
        answer = await client.get(f"{url}/readyz")
    except httpx.TransportError as error:
        return repr(error)
    return None if answer.status_code == httpx.codes.OK else answer.text


def _welcome(api: str, servers: str) -> None:
    show("rollcall", f"page   {api}/")
    show("rollcall", f"API    {api}/Record/Update")
    show("rollcall", f"Kafka  {servers}")
    insecure = "--insecure " if api.startswith("https") else ""
    show("rollcall", f"try    curl -i {insecure}-X PUT {api}/Record/Update -H 'Content-Type: application/json' \\")
    if os.environ.get(PREFIX + "TOKENS_FILE"):
        show("rollcall", f"""         -H "Authorization: Bearer ${TOKEN}" \\""")
    show("rollcall", """         -d '{"StudentId":"s-1","State":"LoggedIn"}'""")


async def _check(api: str, seen: _Seen) -> None:
    """Send an update through HTTP, and wait until a consumer has handled it."""
    student = f"check-{uuid.uuid4()}"
    handled = seen.expect(f"Student {student} updated state to LoggedIn")
    headers = {"Authorization": f"Bearer {os.environ[TOKEN]}"} if TOKEN in os.environ else None
    async with httpx.AsyncClient(trust_env=False, verify=any_certificate(), headers=headers) as client:
        sent = monotonic()
        answer = await client.put(f"{api}/Record/Update", json={"StudentId": student, "State": "LoggedIn"})
    if answer.status_code != httpx.codes.OK:
        raise Failure(f"the update was answered {answer.status_code}: {answer.text}")
    try:
        async with asyncio.timeout(CHECK_LIMIT):
            await handled.wait()
    except TimeoutError:
        raise Failure(f"no consumer handled the update within {CHECK_LIMIT:.0f} s") from None
    show("rollcall", f"check passed: from PUT to handled in {(monotonic() - sent) * 1000:.0f} ms")


if __name__ == "__main__":
    sys.exit(main())
