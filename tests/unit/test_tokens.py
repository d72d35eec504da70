from datetime import UTC, datetime
from hashlib import sha256
from http import HTTPStatus
from math import inf
from pathlib import Path

import pytest

from rollcall_domain.errors import ConfigurationError
from rollcall_producer.access import ANONYMOUS, Access, configured
from rollcall_producer.problems import Problem
from rollcall_producer.settings import ProducerSettings
from rollcall_producer.tokens import Scope, Token, make_token, read_tokens

DIGEST = "ab" * 32
PAST = "2001-02-03T04:05:06Z"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tokens"


def test_reads_a_token_a_line_past_comments_and_blank_lines(path: Path) -> None:
    path.write_text(
        "# who may do what\n"
        "\n"
        f"gate        write       {'01' * 32}\n"
        f"  gate\twrite,read  {'AB' * 32}  2027-01-01T00:00Z  # the one after\r\n"
        f"ops@school  admin       {'cd' * 32}  2027-01-01T01:00:00+01:00"
    )
    expiry = datetime(2027, 1, 1, tzinfo=UTC).timestamp()
    assert read_tokens(path) == [
        Token("gate", frozenset({Scope.WRITE}), b"\x01" * 32, inf),
        Token("gate", frozenset({Scope.WRITE, Scope.READ}), b"\xab" * 32, expiry),
        Token("ops@school", frozenset(Scope), b"\xcd" * 32, expiry),
    ]


def test_takes_a_file_without_a_token(path: Path) -> None:
    path.write_text("# nobody\n")
    assert read_tokens(path) == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("gate", "three columns or four, and not 1"),
        (f"gate write {DIGEST} 2027-01-01T00:00Z more", "three columns or four, and not 5"),
        (f"gate {DIGEST}", "three columns or four, and not 2"),
        (f"ga/te write {DIGEST}", "the name 'ga/te' must be"),
        (f"- write {DIGEST}", "the name '-' must be"),
        (f"{DIGEST} write gate", "the name 'abababababababab' must be"),
        (f"gate wirte {DIGEST}", "the scope 'wirte' is none of write, read, admin"),
        (f"gate write,,read {DIGEST}", "the scope '' is none of"),
        (f"gate {DIGEST} write", "the scope 'abababababababab' is none of"),
        (f"gate write {DIGEST[1:]}", "the third column must be the token's SHA-256 in 64 hexadecimal digits"),
        (f"gate write x{DIGEST[1:]}", "the third column must be"),
        (f"gate write {DIGEST} 2027-01-01", "a time with its zone, such as 2027-01-01T00:00Z"),
        (f"gate write {DIGEST} 2027-01-01T00:00", "a time with its zone"),
        (f"gate write {DIGEST} 2027-13-01T00:00Z", "a time with its zone"),
        (f"gate write {DIGEST} 9999-12-31T23:59-14:00", "a time with its zone"),
        (f"gate write {'00' * 32}\ngate-2 read {'00' * 32}", "this token is listed already, for gate"),
    ],
)
def test_names_file_and_line_and_shows_no_hash(path: Path, line: str, fault: str) -> None:
    path.write_text(f"# tokens\n\n{line}")
    number = 3 + line.count("\n")
    with pytest.raises(ConfigurationError) as caught:
        read_tokens(path)
    assert str(caught.value).startswith(f"ROLLCALL_TOKENS_FILE: {path}, line {number}: ")
    assert fault in str(caught.value)
    assert DIGEST[:32] not in str(caught.value)


def test_names_a_file_that_it_cannot_read(path: Path) -> None:
    with pytest.raises(ConfigurationError, match=f"can't read {path}: No such file or directory"):
        read_tokens(path)
    path.write_bytes(b"\xff\n")
    with pytest.raises(ConfigurationError, match=f"can't read {path}: not UTF-8"):
        read_tokens(path)


def test_makes_tokens_that_are_found_by_their_line(path: Path) -> None:
    expires = datetime(2999, 1, 1, tzinfo=UTC)
    token, line = make_token("gate", [Scope.WRITE, Scope.READ], expires)
    other, second = make_token("gate", [Scope.ADMIN], None)
    assert len({token, other}) == 2
    assert len(token) >= 43
    path.write_text(f"{line}\n{second}\n")
    first, last = read_tokens(path)
    assert (first.digest, first.expires) == (sha256(token.encode()).digest(), expires.timestamp())
    assert (last.digest, last.expires) == (sha256(other.encode()).digest(), inf)
    assert DIGEST not in repr(Token("gate", frozenset(), bytes.fromhex(DIGEST), inf))


def test_makes_no_token_that_is_of_no_use() -> None:
    with pytest.raises(ValueError, match="is in the past"):
        make_token("gate", [Scope.WRITE], datetime(2001, 1, 1, tzinfo=UTC))
    with pytest.raises(ValueError, match="the name"):
        make_token("two words", [Scope.WRITE], None)


@pytest.mark.parametrize("header", ["Bearer {}", "bearer {}", "BEARER   {} "])
def test_lets_in_who_has_the_scope(path: Path, header: str) -> None:
    writer, line = make_token("gate", [Scope.WRITE], None)
    admin, second = make_token("ops", [Scope.ADMIN], None)
    path.write_text(f"{line}\n{second}\n")
    access = Access(path)
    assert access.check(header.format(writer).encode(), Scope.WRITE) == "gate"
    assert {access.check(header.format(admin).encode(), scope) for scope in Scope} == {"ops"}
    headers = [(b"host", b"x"), (b"authorization", header.format(writer).encode())]
    assert access.admit(headers, Scope.WRITE) == "gate"


def test_says_why_it_lets_nobody_else_in(path: Path) -> None:
    token, line = make_token("gate", [Scope.WRITE], None)
    old, second = make_token("gate", [Scope.WRITE], datetime(2999, 1, 1, tzinfo=UTC))
    path.write_text(f"{line}\n{second.replace('2999-01-01T00:00:00Z', PAST)}\n")
    access = Access(path)

    def refusal(authorization: bytes | None, needed: Scope) -> tuple[int, str, str]:
        with pytest.raises(Problem) as caught:
            access.check(authorization, needed)
        return caught.value.status, caught.value.kind, caught.value.headers["WWW-Authenticate"]

    realm = 'Bearer realm="rollcall"'
    for nothing in (None, b"", b"Bearer", b"Basic Z2F0ZTpnYXRl", token.encode()):
        assert refusal(nothing, Scope.WRITE) == (401, "missing-token", realm)
    for wrong in (b"Bearer ", b"Bearer x", f"Bearer {token}x".encode(), f"Bearer {token[:-1]}".encode()):
        status, kind, challenge = refusal(wrong, Scope.WRITE)
        assert (status, kind) == (401, "invalid-token")
        assert challenge.startswith(f'{realm}, error="invalid_token", ')
    status, kind, challenge = refusal(f"Bearer {old}".encode(), Scope.WRITE)
    assert (status, kind) == (401, "expired-token")
    assert challenge == f'{realm}, error="invalid_token", error_description="the token expired at {PAST}"'
    status, kind, challenge = refusal(f"Bearer {token}".encode(), Scope.READ)
    assert (status, kind) == (403, "insufficient-scope")
    assert 'error="insufficient_scope"' in challenge
    assert challenge.endswith('scope="read"')


def test_takes_no_second_header(path: Path) -> None:
    token, line = make_token("gate", [Scope.WRITE], None)
    path.write_text(line)
    headers = [(b"authorization", f"Bearer {token}".encode())] * 2
    with pytest.raises(Problem) as caught:
        Access(path).admit(headers, Scope.WRITE)
    assert (caught.value.status, caught.value.kind) == (HTTPStatus.BAD_REQUEST, "ambiguous-token")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
def test_is_open_where_only_this_machine_comes_in(host: str) -> None:
    access = configured(ProducerSettings(host=host))
    assert access.open
    assert access.check(None, Scope.ADMIN) == access.admit([], Scope.WRITE) == ANONYMOUS


def test_is_open_to_others_only_when_told_so(path: Path) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1"):  # noqa: S104 - what is tested
        with pytest.raises(ConfigurationError) as caught:
            configured(ProducerSettings(host=host))
        assert str(caught.value) == (
            f"ROLLCALL_HOST: {host} lets other machines in, and anybody could write: "
            "set ROLLCALL_TOKENS_FILE, or ROLLCALL_ALLOW_ANONYMOUS=true"
        )
        assert configured(ProducerSettings(host=host, allow_anonymous=True)).open
    path.write_text("")
    assert not configured(ProducerSettings(host="192.0.2.1", tokens_file=str(path))).open
    with pytest.raises(ConfigurationError, match="ROLLCALL_ALLOW_ANONYMOUS: can't be true beside ROLLCALL_TOKENS_FILE"):
        configured(ProducerSettings(tokens_file=str(path), allow_anonymous=True))
