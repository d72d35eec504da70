"""What operators can do with a replica by HTTP, beside its health: see what is parked, and act on it."""

import hmac
from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from http import HTTPStatus
from typing import Annotated

import msgspec
from aiokafka.errors import KafkaError
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rollcall_consumer.parked import choose, find, give_up, release, shown
from rollcall_consumer.runtime.effects.parking import Parked
from rollcall_consumer.runtime.pipeline import Pipeline
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.service.cause import explain
from rollcall_domain.service.files import read_secret
from rollcall_domain.service.health import HEADERS, Endpoint

LARGEST = 64 * 1024
"""Bytes of a request at the most."""


class Names(msgspec.Struct, rename="pascal", forbid_unknown_fields=True):
    """What is to be acted on.

    Attributes:
        keys: Keys of parked records, or their places.
    """

    keys: Annotated[list[str], Meta(min_length=1, max_length=1000)]


class _Problem(msgspec.Struct):
    """What is wrong, as a document (RFC 9457)."""

    title: str
    status: int
    detail: str


Act = Callable[[Pipeline, ConsumerSettings, Sequence[Parked]], Awaitable[None]]


def admin_routes(pipeline: Pipeline, settings: ConsumerSettings) -> list[Route]:
    """Serve `/parked`, for who knows the token; there is nothing to be served where no token is set.

    Raises:
        ConfigurationError: The token's file can't be read.
    """
    if settings.admin_token is None and settings.admin_token_file is None:
        return []
    token = read_secret(settings, "admin_token")

    async def parked(_: Request) -> Response:
        return _answer(await find(pipeline, settings))

    def acting(act: Act) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            try:
                names = msgspec.json.decode(await _body(request), type=Names)
            except msgspec.DecodeError as error:
                return _problem(HTTPStatus.BAD_REQUEST, str(error))
            found = await find(pipeline, settings)
            missing = [name for name in names.keys if not choose(found, [name])]
            if missing:
                return _problem(HTTPStatus.NOT_FOUND, f"nothing is parked by the name of {missing[0]!r}")
            chosen = choose(found, names.keys)
            await act(pipeline, settings, chosen)
            return _answer(chosen, HTTPStatus.ACCEPTED)

        return endpoint

    return [
        Route("/parked", _guarded(token, parked)),
        Route("/parked/release", _guarded(token, acting(release)), methods=["POST"]),
        Route("/parked/give-up", _guarded(token, acting(give_up)), methods=["POST"]),
    ]


def _guarded(token: str, endpoint: Endpoint) -> Endpoint:
    """Let those through alone who know the token, and say what is wrong with Kafka if something is."""
    wanted = f"Bearer {token}".encode()

    @wraps(endpoint)
    async def guarded(request: Request) -> Response:
        given = request.headers.get("authorization", "").encode("latin-1")
        if not hmac.compare_digest(given, wanted):
            return _problem(HTTPStatus.UNAUTHORIZED, "send Authorization: Bearer and the token", "Bearer")
        try:
            return await endpoint(request)
        except (KafkaError, OSError, TimeoutError) as error:
            return _problem(HTTPStatus.SERVICE_UNAVAILABLE, f"Kafka can't be used: {explain(error)}")

    return guarded


async def _body(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST:
            raise msgspec.DecodeError(f"more than {LARGEST} bytes")
    return body


def _answer(parked: Sequence[Parked], status: HTTPStatus = HTTPStatus.OK) -> Response:
    body = msgspec.json.encode([shown(each) for each in parked])
    return Response(body, status, HEADERS, media_type="application/json")


def _problem(status: HTTPStatus, detail: str, challenge: str | None = None) -> Response:
    headers = HEADERS if challenge is None else {**HEADERS, "WWW-Authenticate": challenge}
    body = msgspec.json.encode(_Problem(status.phrase, status, detail))
    return Response(body, status, headers, media_type="application/problem+json")
