"""The API, as the school calls it."""

import asyncio
import ssl
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import SplitResult

import msgspec

from rollcall_dev.chaos.http import BROKEN, Answer, Connection, request
from rollcall_dev.school.day import Update
from rollcall_domain.service.probe import any_certificate

_GREETING_LIMIT = 5.0
"""Seconds for the API to show that it is there."""

_PORTS = {"http": 80, "https": 443}
_OK = HTTPStatus.OK


class ApiError(Exception):
    """The API can't be used at all, in one line for people."""


class Api:
    """Where updates go.

    Args:
        url: Its address, up to what comes before `/Record/Update`.
        token: Shown to it, if there is one.
    """

    def __init__(self, url: SplitResult, token: str | None) -> None:
        self._url = url
        self._tls = _trust(url) if url.scheme == "https" else None
        self._headers = {"Host": url.netloc}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"

    def __str__(self) -> str:
        return self._url.geturl()

    def connection(self) -> Connection:
        """Give a connection that is yet to be opened."""
        return Connection(self._url.hostname or "", self._url.port or _PORTS[self._url.scheme], self._tls)

    def put(self, update: Update, key: str) -> bytes:
        """Build the request that sends an update, under a key by which it is written once, however often it is sent."""
        headers = {**self._headers, "Content-Type": "application/json", "Idempotency-Key": key}
        body = msgspec.json.encode({"StudentId": update.student, "State": update.state.name})
        return request("PUT", f"{self._url.path}/Record/Update", headers, body)

    async def greet(self) -> None:
        """Make sure that it is there.

        Raises:
            ApiError: It can't be reached, or somebody else is there.
        """
        try:
            answer = await self._look()
        except BROKEN as error:
            raise ApiError(f"{self} can't be reached: {cause(error)}") from error
        except (ValueError, IndexError, asyncio.LimitOverrunError) as error:
            raise ApiError(f"{self} does not speak HTTP") from error
        if answer.status != _OK:
            raise ApiError(f"{self} is not Rollcall's API: it answers {answer.status} to GET /livez")

    async def _look(self) -> Answer:
        connection = self.connection()
        try:
            async with asyncio.timeout(_GREETING_LIMIT):
                await connection.open()
                return await connection.ask(request("GET", f"{self._url.path}/livez", self._headers, b""))
        finally:
            connection.drop()


def cause(error: BaseException) -> str:
    """Say in some words why there is no answer."""
    match error:
        case EOFError():
            return "the connection was closed"
        case OSError(strerror=str() as text):
            return text
        case TimeoutError():
            return "no answer"
        case _:
            return str(error) or type(error).__name__


def detail(answer: Answer) -> str:
    """Tell status and fault of an answer other than 200."""
    try:
        return f"{answer.status}, {msgspec.json.decode(answer.body)['detail']}"
    except (msgspec.DecodeError, KeyError, TypeError):
        return str(answer.status)


def _trust(url: SplitResult) -> ssl.SSLContext:
    """Trust whoever answers on this machine, and elsewhere only whom the system trusts: it is shown a token."""
    host = url.hostname or ""
    try:
        here = ip_address(host).is_loopback
    except ValueError:
        here = host == "localhost"
    return any_certificate() if here else ssl.create_default_context()
