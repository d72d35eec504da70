"""How every Kafka client of a service connects: with which options, and again and again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import structlog
from aiokafka.errors import KafkaConnectionError, KafkaError

from rollcall_domain.service.security import security_options
from rollcall_domain.service.settings import ServiceSettings

log = structlog.get_logger()

T = TypeVar("T")

BACKOFF = (0.1, 0.2, 0.5, 1.0, 2.0)
"""Seconds between tries to connect; the last one is repeated."""


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
    """Start a client; one that can't be started is stopped again."""
    try:
        await client.start()
    except BaseException:
        await client.stop()
        raise
    return client


def unreachable(settings: ServiceSettings, error: Exception) -> str:
    """Say in one line that Kafka can't be used, where it was looked for, and what is known of why."""
    where = f"can't use Kafka at {settings.bootstrap_servers}"
    if isinstance(error, KafkaConnectionError):  # its text says no more than that
        return f"{where}: no connection"
    return f"{where}: {str(error) or type(error).__name__}"


async def persist(connect: Callable[[], Awaitable[T]], settings: ServiceSettings, on_fault: Callable[[str], None]) -> T:
    """Connect to Kafka, and try for as long as that fails.

    Args:
        connect: One try.
        settings: The service's settings.
        on_fault: Told after each failed try what is wrong.

    Returns:
        What the first successful try returned.
    """
    attempt = 0
    while True:
        try:
            return await connect()
        except (KafkaError, OSError, TimeoutError) as error:
            fault = unreachable(settings, error)
        on_fault(fault)
        if attempt % len(BACKOFF) == 0:
            log.warning("Waiting for Kafka", reason=fault)
        await asyncio.sleep(BACKOFF[min(attempt, len(BACKOFF) - 1)])
        attempt += 1
