"""Who may use the API: whoever has a token with the right scope, or else everybody on this machine."""

import asyncio
import ipaddress
import signal
import socket
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from hashlib import sha256
from hmac import compare_digest
from http import HTTPStatus
from pathlib import Path
from time import time

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope as HttpScope

from rollcall_domain.errors import ConfigurationError
from rollcall_domain.service.settings import env_name
from rollcall_producer.kinds import Kind
from rollcall_producer.problems import Problem
from rollcall_producer.settings import ProducerSettings
from rollcall_producer.tokens import Scope, Token, read_tokens, rfc3339

log = structlog.get_logger()

Endpoint = Callable[[Request], Awaitable[Response]]

ANONYMOUS = "-"
"""What a caller is called where access is open. No token has this name."""

_SCHEME = b"bearer "
_SCHEME_LENGTH = len(_SCHEME)
_HANDLE = 8
"""Bytes of a hash that tokens are found by. Who learns them from the time that takes is no closer to a token."""


class Access:
    """Lets callers in, or not.

    Attributes:
        open: Whether everybody may do everything. That does not change.
    """

    def __init__(self, path: Path | None) -> None:
        """Read the tokens.

        Args:
            path: The file of tokens, or None to let everybody in.

        Raises:
            ConfigurationError: The file is at fault.
        """
        self.open = path is None
        self._path = path
        self._tokens: dict[bytes, Token] = {}
        if path is not None:
            self._read(path)

    def check(self, authorization: bytes | None, needed: Scope) -> str:
        """Find out who calls, and whether that is allowed. Costs about a microsecond, and nothing where access is open.

        Args:
            authorization: The value of the request's header `Authorization`, if it has one.
            needed: The scope without which the answer is no.

        Returns:
            The token's name.

        Raises:
            Problem: 401 without a token that is known and in force, 403 for one without the scope; as in RFC 6750.
        """
        if self.open:
            return ANONYMOUS
        if authorization is None or authorization[:_SCHEME_LENGTH].lower() != _SCHEME:
            raise _problem("missing-token", f"this needs a token with the scope {needed}, as Authorization: Bearer …")
        digest = sha256(authorization[_SCHEME_LENGTH:].strip()).digest()
        token = self._tokens.get(digest[:_HANDLE])
        if token is None or not compare_digest(token.digest, digest):
            raise _problem("invalid-token", "the token is unknown, or was revoked", "invalid_token")
        if token.expires <= time():
            expired = rfc3339(datetime.fromtimestamp(token.expires, UTC))
            raise _problem("expired-token", f"the token expired at {expired}", "invalid_token")
        if needed not in token.scopes:
            raise _insufficient(token, needed)
        return token.name

    def admit(self, headers: Iterable[tuple[bytes, bytes]], needed: Scope) -> str:
        """Check the headers of an ASGI scope, whose names are in lower case.

        Raises:
            Problem: As for `check`, and 400 for more than one header `Authorization`.
        """
        if self.open:
            return ANONYMOUS
        given = None
        for name, value in headers:
            if name == b"authorization":
                if given is not None:
                    raise _ambiguous()
                given = value
        return self.check(given, needed)

    def guarded(self, endpoint: Endpoint, needed: Scope) -> Endpoint:
        """Put a check before an endpoint. Where access is open, it is the endpoint itself."""
        if self.open:
            return endpoint

        async def guard(request: Request) -> Response:
            request.scope["caller"] = self.admit(request.scope["headers"], needed)
            return await endpoint(request)

        return guard

    def reload_on_hangup(self) -> None:
        """Read the tokens again at each SIGHUP; those in force stay if the file is at fault."""
        if not self.open:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload)

    def _reload(self) -> None:
        assert self._path is not None  # noqa: S101 - access is not open
        try:
            self._read(self._path)
        except ConfigurationError as error:
            log.error("Kept the tokens as they were", reason=str(error))  # noqa: TRY400 - one line for the operator

    def _read(self, path: Path) -> None:
        self._tokens = {token.digest[:_HANDLE]: token for token in read_tokens(path)}
        log.info("Read the tokens", file=str(path), tokens=len(self._tokens))


def client_of(scope: HttpScope) -> str:
    """Name who sends a request that was let in: by the token's name, or else by the address."""
    caller: str = scope.get("caller", ANONYMOUS)
    return caller if caller != ANONYMOUS or scope["client"] is None else scope["client"][0]


def configured(settings: ProducerSettings) -> Access:
    """Set up access.

    Raises:
        ConfigurationError: The file of tokens is at fault, or there is none and other machines could come in.
    """
    if settings.tokens_file:
        if settings.allow_anonymous:
            raise ConfigurationError(
                env_name("allow_anonymous"), f"can't be true beside {env_name('tokens_file')}; leave one of them out"
            )
        return Access(Path(settings.tokens_file))
    if not settings.allow_anonymous and not _is_loopback(settings.host):
        raise ConfigurationError(
            env_name("host"),
            f"{settings.host} lets other machines in, and anybody could write: "
            f"set {env_name('tokens_file')}, or {env_name('allow_anonymous')}=true",
        )
    return Access(None)


def _is_loopback(host: str) -> bool:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ConfigurationError(env_name("host"), f"can't listen on {host}: {error.strerror}") from error
    return all(ipaddress.ip_address(str(address[0])).is_loopback for *_, address in found)


def _problem(kind: Kind, detail: str, error: str | None = None) -> Problem:
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        kind,
        detail,
        field="Authorization",
        headers={"WWW-Authenticate": _challenge(detail, error)},
    )


def _ambiguous() -> Problem:
    detail = "the header Authorization is given more than once"
    return Problem(HTTPStatus.BAD_REQUEST, "ambiguous-token", detail, field="Authorization")


def _insufficient(token: Token, needed: Scope) -> Problem:
    detail = f"this needs a token with the scope {needed}, and this one has {', '.join(sorted(token.scopes))}"
    challenge = _challenge(detail, "insufficient_scope") + f', scope="{needed}"'
    return Problem(
        HTTPStatus.FORBIDDEN,
        "insufficient-scope",
        detail,
        field="Authorization",
        headers={"WWW-Authenticate": challenge},
    )


def _challenge(detail: str, error: str | None) -> str:
    """Build the challenge of RFC 6750, which has no error for who has not tried."""
    realm = 'Bearer realm="rollcall"'
    return realm if error is None else f'{realm}, error="{error}", error_description="{detail}"'
