"""How every Kafka client of a service connects: with which options, and again and again."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic
from typing import Any, Protocol, TypeVar

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from rollcall_domain.errors import ConfigurationError
from rollcall_domain.service import breakage
from rollcall_domain.service.cause import Overheard, explain, is_denial, is_refusal
from rollcall_domain.service.security import security_options
from rollcall_domain.service.settings import ServiceSettings

log = structlog.get_logger()

breakage.foresee()

T = TypeVar("T")

BACKOFF = (0.1, 0.2, 0.5, 1.0, 2.0)
"""Seconds between tries to connect; the last one is repeated."""

REFUSED_BACKOFF = 5.0
"""Seconds between tries to connect where Kafka refuses us: many locks of accounts count failures."""

START_LIMIT = 30.0
"""Seconds for a client to start; aiokafka itself may go on for ever."""

REMINDER = 60.0
"""Seconds after which it is said again that Kafka can't be used, if it is for the same reason."""


def client_options(settings: ServiceSettings, client_id: str) -> dict[str, Any]:
    """Build the keyword arguments that all aiokafka clients share.

    Args:
        settings: The service's settings.
        client_id: What the client is called in the broker's logs and quotas.

    Raises:
        ConfigurationError: The settings of security can't be used, or a file that they name.
    """
    return {
        "bootstrap_servers": settings.bootstrap_servers.split(","),
        "client_id": client_id,
        "metadata_max_age_ms": 60_000,
        **security_options(settings),
    }


class Client(Protocol):
    """A Kafka client as far as its life goes."""

    async def start(self) -> None:
        """Connect."""

    async def stop(self) -> None:
        """Disconnect."""


C = TypeVar("C", bound=Client)


async def started(client: C) -> C:
    """Start a client; one that can't be started, or not in time, is stopped again."""
    try:
        async with asyncio.timeout(START_LIMIT):
            await client.start()
    except BaseException:
        await client.stop()
        raise
    return client


@contextlib.asynccontextmanager
async def administering(
    settings: ServiceSettings, client_id: str, **options: object
) -> AsyncIterator[AIOKafkaAdminClient]:
    """Have a client for what is no reading and no writing, closed after the body whatever becomes of it.

    Args:
        settings: The service's settings.
        client_id: What the client is called in the broker's logs and quotas.
        options: Further options of aiokafka's.
    """
    admin = AIOKafkaAdminClient(**client_options(settings, client_id), **options)
    try:
        async with asyncio.timeout(START_LIMIT):
            await admin.start()
        yield admin
    finally:
        await admin.close()


def unreachable(settings: ServiceSettings, cause: BaseException) -> str:
    """Say in one line that Kafka can't be used, where it was looked for, and why."""
    return f"can't use Kafka at {settings.bootstrap_servers}: {explain(cause)}"


_told: dict[str, float] = {}
"""When each reason was last logged: parts of a process that wait for the same Kafka say so once for all of them."""


def _tell(fault: str) -> None:
    now = monotonic()
    if now - _told.get(fault, -math.inf) > REMINDER:
        log.warning("Waiting for Kafka", reason=fault)
        for past in [reason for reason, at in _told.items() if now - at > REMINDER]:
            del _told[past]
        _told[fault] = now


def _nobody(_: str) -> None:
    """Tell nobody."""


async def persist(
    connect: Callable[[], Awaitable[T]], settings: ServiceSettings, on_fault: Callable[[str], None] = _nobody
) -> T:
    """Connect to Kafka, and try for as long as that fails.

    That Kafka refuses us is no reason to give up: users, rights and certificates may come or be mended later, here or
    there, and files are read anew at each try.

    Args:
        connect: One try.
        settings: The service's settings.
        on_fault: Told after each failed try what is wrong.

    Returns:
        What the first successful try returned.
    """
    attempt, fault = 0, ""
    while True:
        with Overheard() as heard:
            try:
                connection = await connect()
            except (KafkaError, OSError, TimeoutError, ConfigurationError) as error:
                cause = heard.cause(error)
            else:
                _told.pop(fault, None)
                return connection
        fault = unreachable(settings, cause)
        on_fault(fault)
        _tell(fault)
        refused = is_refusal(cause) or is_denial(cause)
        await asyncio.sleep(REFUSED_BACKOFF if refused else BACKOFF[min(attempt, len(BACKOFF) - 1)])
        attempt += 1
