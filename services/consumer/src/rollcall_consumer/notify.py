"""The effect `notify`: alerts to whoever is to know of them, by a webhook."""

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from time import time

import httpx
import msgspec
import structlog

from rollcall_consumer.egress import client, origin
from rollcall_consumer.errors import PermanentError, UnavailableError
from rollcall_consumer.runtime.effects.effect import Delivery, Handle, Terms
from rollcall_consumer.settings import ConsumerSettings
from rollcall_consumer.webhook import addresses, signer
from rollcall_domain.alert import Alert
from rollcall_domain.service.files import unfit
from rollcall_domain.times import write_time

log = structlog.get_logger()

TERMS = Terms(lanes=256, limit=15.0, tries=12, first_pause=1.0, longest_pause=300.0)

SILENCE = 10.0
"""Seconds to wait for a connection, and for each part of an answer."""

LONGEST_WAIT = 3600.0
"""Seconds that a receiver may have us wait at the most."""

ANSWER = 64 * 1024
"""Bytes that are read of an answer: what is longer costs a connection."""

TOLD = 200
"""Characters of an answer that are told of."""


class Notice(msgspec.Struct):
    """What a receiver is sent.

    Attributes:
        type: What it is about: `student.alert`.
        timestamp: When it came to that, in ISO 8601, UTC.
        data: The alert.
    """

    type: str
    timestamp: str
    data: Alert


def receiver(settings: ConsumerSettings) -> Callable[[Alert], str]:
    """Make what tells who is sent an alert.

    Raises:
        ConfigurationError: The settings do not say.
    """
    origins = {rule: origin(url) for rule, url in addresses(settings).items()}
    return lambda alert: origins.get(alert.rule, origins[""])


@contextlib.asynccontextmanager
async def notifying(settings: ConsumerSettings) -> AsyncIterator[Handle[Alert]]:
    """Have what sends an alert.

    Raises:
        ConfigurationError: The settings do not say where to, or how to sign it.
    """
    urls, signs = addresses(settings), signer(settings)
    try:
        http = client({*map(origin, urls.values())}, SILENCE, settings.webhook_ca_file)
    except OSError as error:
        raise unfit("webhook_ca_file", f"can't be used: {error.strerror or error}") from error
    if settings.webhook_secret is None and settings.webhook_secret_file is None:
        log.warning("Alerts are sent without a signature: set ROLLCALL_WEBHOOK_SECRET")

    async def notify(delivery: Delivery[Alert]) -> None:
        alert = delivery.event
        url = urls.get(alert.rule, urls[""])
        body = msgspec.json.encode(Notice("student.alert", write_time(alert.at), alert))
        headers = signs.headers(alert.id, int(time()), body) | {"content-type": "application/json"}
        await _post(http, url, body, headers)

    async with http:
        yield notify


async def _post(http: httpx.AsyncClient, url: str, body: bytes, headers: dict[str, str]) -> None:
    try:
        async with http.stream("POST", url, content=body, headers=headers) as response:
            said = await _read(response)
    except httpx.TransportError as error:
        raise UnavailableError(f"{origin(url)}: {str(error) or type(error).__name__}") from error
    if response.is_success:
        return
    fault = f"{origin(url)} answers {response.status_code}: {said}".rstrip(": ")
    if response.is_server_error or response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        raise UnavailableError(fault, _retry_after(response.headers.get("retry-after")))
    raise PermanentError(fault)


async def _read(response: httpx.Response) -> str:
    """Read an answer, as far as it matters; one that is read to its end leaves the connection to the next."""
    read = b""
    async for piece in response.aiter_bytes():
        read += piece
        if len(read) > ANSWER:
            break
    return " ".join(read.decode(errors="replace")[:TOLD].split())


def _retry_after(said: str | None) -> float | None:
    """Read a header Retry-After: seconds, or a time; None if it is neither."""
    if said is None:
        return None
    if said.strip().isdecimal():
        return min(float(said), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(said)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - datetime.now(UTC)).total_seconds()), LONGEST_WAIT)
