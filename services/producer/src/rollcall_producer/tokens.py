"""Tokens, and the file that lists them: a line each, easy to read and to compare, and no secret."""

import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from math import inf
from pathlib import Path

from rollcall_domain.errors import ConfigurationError
from rollcall_domain.service.settings import env_name

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,31}")
"""Too short for a hash or a token that got into the wrong column: names are logged."""

_DIGEST = re.compile(r"[0-9A-Fa-f]{64}")
_RANDOM = 32
_MARK = "rollcall_"
"""What every token begins with, so that people and scanners know one that has strayed."""

_SHOWN = 16
"""How many characters of a faulty column an error repeats: it may hold a hash, or by mistake a token."""


class Scope(StrEnum):
    """What a token allows. `admin` includes the others; they include nothing but themselves."""

    WRITE = "write"
    READ = "read"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Token:
    """A token as the API knows it, which is not the token itself.

    Attributes:
        name: Who or what has it.
        scopes: All that it allows.
        digest: The SHA-256 of the token: enough of a hash, because nobody can guess 256 random bits.
        expires: From when on it is of no use, in seconds since 1970; infinity for never.
    """

    name: str
    scopes: frozenset[Scope]
    digest: bytes = field(repr=False)
    expires: float


def make_token(name: str, scopes: Iterable[Scope], expires: datetime | None) -> tuple[str, str]:
    """Make a token of 256 random bits.

    Returns:
        The token, and its line for the file.

    Raises:
        ValueError: There can't be a token of that name, or it would have expired already.
    """
    _check_name(name)
    if expires is not None and expires <= datetime.now(UTC):
        raise ValueError(f"{rfc3339(expires)} is in the past")
    token = _MARK + secrets.token_urlsafe(_RANDOM)
    columns = [f"{name:<24}", f"{','.join(scopes):<16}", sha256(token.encode()).hexdigest()]
    if expires is not None:
        columns.append(rfc3339(expires))
    return token, " ".join(columns)


def rfc3339(time: datetime) -> str:
    """Write a time as the file has it."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_expiry(text: str) -> datetime:
    """Read a time in RFC 3339, whose seconds may be missing.

    Raises:
        ValueError: It is none, or has no zone.
    """
    with suppress(ValueError, OverflowError):
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    raise ValueError("the expiry must be a time with its zone, such as 2027-01-01T00:00Z")


def read_tokens(path: Path) -> list[Token]:
    """Read a file of tokens.

    Raises:
        ConfigurationError: It can't be read, or a line is at fault. It shows no hash in full.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fault = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigurationError(env_name("tokens_file"), f"can't read {path}: {fault}") from error
    tokens: dict[bytes, Token] = {}
    for number, columns in _lines(text):
        try:
            token = _parse(columns)
        except ValueError as error:
            raise _fault(path, number, str(error)) from error
        if token.digest in tokens:
            raise _fault(path, number, f"this token is listed already, for {tokens[token.digest].name}")
        tokens[token.digest] = token
    return list(tokens.values())


def _fault(path: Path, line: int, fault: str) -> ConfigurationError:
    return ConfigurationError(env_name("tokens_file"), f"{path}, line {line}: {fault}")


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.split("\n"), 1):
        columns = line.partition("#")[0].split()
        if columns:
            yield number, columns


def _parse(columns: Sequence[str]) -> Token:
    if len(columns) not in (3, 4):
        raise ValueError(
            f"a line has three columns or four, and not {len(columns)}: name, scopes, SHA-256 of the token, expiry"
        )
    name, scopes, digest, *expiry = columns
    _check_name(name)
    allowed = _parse_scopes(scopes)
    if not _DIGEST.fullmatch(digest):
        raise ValueError("the third column must be the token's SHA-256 in 64 hexadecimal digits")
    expires = parse_expiry(expiry[0]).timestamp() if expiry else inf
    return Token(name, allowed, bytes.fromhex(digest), expires)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"the name {name[:_SHOWN]!r} must be letters, digits and . _ @ - only, 32 at the most, "
            "and begin with a letter or digit"
        )


def _parse_scopes(text: str) -> frozenset[Scope]:
    scopes = set()
    for name in text.split(","):
        try:
            scopes.add(Scope(name))
        except ValueError:
            raise ValueError(f"the scope {name[:_SHOWN]!r} is none of {', '.join(Scope)}") from None
    return frozenset(Scope if Scope.ADMIN in scopes else scopes)
