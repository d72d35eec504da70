"""Tokens for SASL's mechanism OAUTHBEARER: from a file, or from a token endpoint."""

import asyncio
import base64
from http.client import HTTPException
from time import monotonic
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

import msgspec
from aiokafka.abc import AbstractTokenProvider
from aiokafka.conn import AIOKafkaConnection, OAuthAuthenticator
from aiokafka.errors import KafkaError

from rollcall_domain.errors import ConfigurationError
from rollcall_domain.service.files import read_secret, read_word
from rollcall_domain.service.settings import ServiceSettings
from rollcall_domain.service.tls import trusting

LIMIT = 10.0
"""Seconds for the token endpoint to answer."""

SHARE = 0.8
"""How much of its life a token is used for."""

ANSWER_LIMIT = 64 * 1024
"""Bytes of an answer at the most."""


class TokenError(KafkaError):  # type: ignore[misc]  # aiokafka ships no types
    """There is no token to authenticate with. aiokafka takes it for one of its own errors, and tries again."""


class FileToken(AbstractTokenProvider):  # type: ignore[misc]  # as above
    """The token in a file, which somebody keeps fresh: read anew at each authentication."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings

    async def token(self) -> str:
        """Give the token.

        Raises:
            TokenError: The file can't be read, or is empty.
        """
        try:
            return await asyncio.to_thread(read_word, self._settings, "oauth_token_file")
        except ConfigurationError as error:
            raise TokenError(str(error)) from error


class _Granted(msgspec.Struct):
    """A token endpoint's answer, RFC 6749 section 5.1."""

    access_token: str
    expires_in: float = 0


class _Refused(msgspec.Struct):
    """A token endpoint's answer, RFC 6749 section 5.2."""

    error: str


class _NoRedirects(HTTPRedirectHandler):
    """The client's secret is for the endpoint that was set, and no other."""

    def redirect_request(self, *_: Any) -> None:  # noqa: ANN401 - nothing of it is used
        return None


class EndpointToken(AbstractTokenProvider):  # type: ignore[misc]  # as above
    """A token by the OAuth 2 grant `client_credentials`, kept for the better part of its life."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._token = ""
        self._renewal = 0.0

    async def token(self) -> str:
        """Give the token.

        Raises:
            TokenError: The endpoint can't be reached, or refuses.
        """
        if monotonic() >= self._renewal:
            asked = monotonic()
            granted = await asyncio.to_thread(self._fetch)
            self._token, self._renewal = granted.access_token, asked + SHARE * granted.expires_in
        return self._token

    def _fetch(self) -> _Granted:
        try:
            context = trusting(self._settings, system=True)
            with build_opener(HTTPSHandler(context=context), _NoRedirects).open(
                self._request(), timeout=LIMIT
            ) as answer:
                return msgspec.json.decode(answer.read(ANSWER_LIMIT), type=_Granted)
        except ConfigurationError as error:
            raise TokenError(str(error)) from error
        except HTTPError as error:
            with error:
                raise TokenError(f"the token endpoint answered {error.code}{_code(error)}") from error
        except msgspec.DecodeError as error:
            raise TokenError(f"the token endpoint's answer holds no token: {error}") from error
        except (OSError, HTTPException) as error:
            reason = error.reason if isinstance(error, URLError) else error
            raise TokenError(f"the token endpoint can't be asked: {reason}") from error

    def _request(self) -> Request:
        settings = self._settings
        form = {"grant_type": "client_credentials"}
        if settings.oauth_scope is not None:
            form["scope"] = settings.oauth_scope
        client = (str(settings.oauth_client_id), read_secret(settings, "oauth_client_secret"))
        credentials = ":".join(quote(part, safe="") for part in client).encode()  # RFC 6749 section 2.3.1
        headers = {"Authorization": f"Basic {base64.b64encode(credentials).decode()}", "Accept": "application/json"}
        return Request(str(settings.oauth_token_url), urlencode(form).encode(), headers)  # noqa: S310 - http(s) alone


def _code(answer: HTTPError) -> str:
    try:
        return f": {msgspec.json.decode(answer.read(ANSWER_LIMIT), type=_Refused).error}"
    except (msgspec.DecodeError, OSError):
        return ""


class _Authenticator(OAuthAuthenticator):  # type: ignore[misc]  # as above
    """aiokafka 0.14 overlooks that a broker has refused the token, and goes on as if it were let in."""

    async def step(self, payload: bytes | None) -> Any:  # noqa: ANN401 - aiokafka ships no types
        if payload:  # RFC 7628 section 3.2.3: it says why, and fails the exchange once that is acknowledged
            return b"\x01", True
        return await super().step(payload)


def _authenticator(connection: AIOKafkaConnection) -> _Authenticator:
    return _Authenticator(sasl_oauth_token_provider=connection._sasl_oauth_token_provider)  # noqa: SLF001 - as there


_providers: dict[tuple[object, ...], AbstractTokenProvider] = {}
"""What provides tokens, by all that decides about it."""


def token_provider(settings: ServiceSettings) -> AbstractTokenProvider:
    """Give what provides the tokens: one for all clients of a process, which share what it keeps.

    Raises:
        ConfigurationError: The file of the token or of the client's secret can't be used.
    """
    AIOKafkaConnection.authenticator_oauth = _authenticator
    decisive = tuple(
        getattr(settings, name) for name in settings.__struct_fields__ if name.startswith(("oauth_", "ssl_"))
    )
    if decisive not in _providers:
        _providers[decisive] = _make_provider(settings)
    return _providers[decisive]


def _make_provider(settings: ServiceSettings) -> AbstractTokenProvider:
    if settings.oauth_token_file is None:
        read_secret(settings, "oauth_client_secret")
        return EndpointToken(settings)
    read_word(settings, "oauth_token_file")
    return FileToken(settings)
