"""Who gets in: tokens, other machines, HTTPS, and pages of other origins."""

import signal
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from rollcall_producer.tokens import Scope, make_token
from support.certificates import encrypt, issue
from support.load import put
from support.services import Environment, Service, producer, running

UPDATE = {"StudentId": "s-1", "State": "LoggedIn"}
ORIGIN = "https://app.example"


class Tokens:
    """A file of tokens."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.all: list[str] = []
        self.hashes: list[str] = []
        self._lines: dict[str, str] = {}
        self.path.touch()

    def add(self, scope: Scope, expires: datetime | None = None) -> str:
        """Add a token to the file."""
        token, line = make_token(f"token-{len(self.all)}", [scope], expires)
        self.all.append(token)
        self.hashes.append(line.split()[2])
        self._lines[token] = line
        self._write()
        return token

    def expire(self, token: str) -> None:
        """Let a token have expired."""
        self._lines[token] += " 2001-02-03T04:05:06Z"
        self._write()

    def revoke(self, token: str) -> None:
        """Take a token out of the file."""
        del self._lines[token]
        self._write()

    def _write(self) -> None:
        self.path.write_text("\n".join(self._lines.values()))


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    return Tokens(tmp_path / "tokens")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def answers(service: Service, token: str | None) -> httpx.Response:
    headers = {} if token is None else bearer(token)
    async with httpx.AsyncClient(base_url=service.url, headers=headers) as client:
        return await put(client, "s-1")


async def reload(service: Service) -> dict[str, object]:
    """Let it read the tokens again, and give what it says of that."""

    def said(events: list[dict[str, object]]) -> list[dict[str, object]]:
        return [event for event in events if "the tokens" in str(event["event"])]

    before = len(said(service.events))
    service.send(signal.SIGHUP)
    return said(await service.events_until(lambda events: len(said(events)) > before))[-1]


async def test_who_has_a_token_may_do_what_its_scope_says(environment: Environment, tokens: Tokens) -> None:
    writer, reader, admin, old = (tokens.add(scope) for scope in (Scope.WRITE, Scope.READ, Scope.ADMIN, Scope.WRITE))
    tokens.expire(old)
    async with producer(environment, tokens_file=tokens.path) as service:
        await service.ready()
        async with httpx.AsyncClient(base_url=service.url) as client:

            async def ask(token: str | None) -> tuple[httpx.Response, httpx.Response]:
                headers = {} if token is None else bearer(token)
                update = await client.put("/Record/Update", json=UPDATE, headers=headers)
                return update, await client.get("/metrics", headers=headers)

            for token, statuses in [
                (writer, [200, 403]),
                (reader, [403, 200]),
                (admin, [200, 200]),
                (None, [401, 401]),
                (writer + "x", [401, 401]),
                (old, [401, 401]),
            ]:
                assert [answer.status_code for answer in await ask(token)] == statuses
            missing, _ = await ask(None)
            assert missing.headers["Cache-Control"] == "no-store"
            assert missing.headers["X-Content-Type-Options"] == "nosniff"
            assert missing.headers["WWW-Authenticate"] == 'Bearer realm="rollcall"'
            assert missing.json() == {
                "type": "urn:rollcall:problem:missing-token",
                "title": "Missing token",
                "status": 401,
                "detail": "this needs a token with the scope write, as Authorization: Bearer …",
                "field": "Authorization",
            }
            wrong, _ = await ask(writer + "x")
            assert 'error="invalid_token"' in wrong.headers["WWW-Authenticate"]
            assert wrong.json()["type"] == "urn:rollcall:problem:invalid-token"
            expired, _ = await ask(old)
            assert 'error="invalid_token"' in expired.headers["WWW-Authenticate"]
            assert expired.json()["detail"] == "the token expired at 2001-02-03T04:05:06Z"
            insufficient, _ = await ask(reader)
            assert 'error="insufficient_scope"' in insufficient.headers["WWW-Authenticate"]
            assert (await client.get("/livez")).status_code == 200
            twice = [("Authorization", f"Bearer {writer}"), ("Authorization", f"Bearer {writer}")]
            assert (await client.put("/Record/Update", json=UPDATE, headers=twice)).status_code == 400


async def test_sighup_adds_and_revokes_and_a_faulty_file_changes_nothing(
    environment: Environment, tokens: Tokens
) -> None:
    first = tokens.add(Scope.WRITE)
    async with producer(environment, tokens_file=tokens.path) as service:
        await service.ready()
        second = tokens.add(Scope.WRITE)
        assert (await answers(service, second)).status_code == 401
        assert (await reload(service))["tokens"] == 2
        assert (await answers(service, second)).status_code == 200
        tokens.revoke(first)
        assert (await reload(service))["tokens"] == 1
        assert (await answers(service, first)).status_code == 401
        assert (await answers(service, second)).status_code == 200
        good = tokens.path.read_text()
        tokens.path.write_text(f"{good}\ngate write {tokens.hashes[0][1:]}\n")
        kept = await reload(service)
        assert (kept["level"], kept["event"]) == ("error", "Kept the tokens as they were")
        assert f"ROLLCALL_TOKENS_FILE: {tokens.path}, line 2: the third column" in str(kept["reason"])
        assert (await answers(service, second)).status_code == 200
        tokens.path.unlink()
        assert "No such file" in str((await reload(service))["reason"])
        assert (await answers(service, second)).status_code == 200
        tokens.path.write_text(good)
        assert (await reload(service))["tokens"] == 1
        assert await service.end() == 0
    logged = str(service.events)
    for secret in (*tokens.all, *tokens.hashes):
        assert secret[1:] not in logged


async def test_refuses_a_faulty_file_at_start_in_one_line(environment: Environment, tokens: Tokens) -> None:
    tokens.add(Scope.WRITE)
    tokens.path.write_text(tokens.path.read_text().replace("write", "wirte"))
    async with producer(environment, tokens_file=tokens.path) as service:
        assert await service.end(None) == 78
    assert [event["event"] for event in service.events] == [
        f"ROLLCALL_TOKENS_FILE: {tokens.path}, line 1: the scope 'wirte' is none of write, read, admin"
    ]


async def test_the_command_makes_a_token_that_works(environment: Environment, tokens: Tokens) -> None:
    arguments = ["token", "gate", "--scope", "write", "--expires", "2999-01-01T00:00Z"]
    async with running("rollcall_producer", *arguments) as command:
        assert await command.end(None) == 0
    token, line = (event["event"] for event in command.events)
    tokens.path.write_text(f"{line}\n")
    async with producer(environment, tokens_file=tokens.path) as service:
        await service.ready()
        assert (await answers(service, token)).status_code == 200
    for wrong in (["token", "gate"], ["token", "a b", "--scope", "write"], [*arguments[:-1], "2001-01-01T00:00Z"]):
        async with running("rollcall_producer", *wrong) as command:
            assert await command.end(None) == 2


async def test_is_open_to_other_machines_only_when_told_so(environment: Environment) -> None:
    async with producer(environment, host="0.0.0.0") as service:  # noqa: S104 - what is tested
        assert await service.end(None) == 78
    (line,) = [event["event"] for event in service.events]
    assert line.startswith("ROLLCALL_HOST: 0.0.0.0 lets other machines in")
    assert line.endswith("set ROLLCALL_TOKENS_FILE, or ROLLCALL_ALLOW_ANONYMOUS=true")
    async with producer(environment, host="0.0.0.0", allow_anonymous="true") as service:  # noqa: S104 - as above
        await service.ready()
        assert (await answers(service, None)).status_code == 200


async def test_serves_https_and_is_found_healthy_by_its_own_probe(environment: Environment, tmp_path: Path) -> None:
    issued, password = issue(tmp_path), tmp_path / "password"
    encrypt(issued.key, "open sesame")
    password.write_text("open sesame\n")
    settings = {
        "tls_certificate_file": issued.file,
        "tls_key_file": issued.key,
        "tls_key_password_file": password,
    }
    async with producer(environment, **settings) as service:
        await service.ready(issued.trust)
        assert service.url.startswith("https://127.0.0.1:")
        async with httpx.AsyncClient(base_url=service.url, verify=issued.trust) as client:
            assert (await put(client, "s-1")).status_code == 200
        async with httpx.AsyncClient(base_url=service.url) as client:
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await put(client, "s-1")
        port = httpx.URL(service.url).port
        assert await probe(environment.variables(**settings, port=port)) == 0
        assert await probe(environment.variables(port=port)) == 1


async def test_the_probe_tells_whether_it_is_ready_without_https(environment: Environment) -> None:
    async with producer(environment) as service:
        await service.ready()
        port = httpx.URL(service.url).port
        assert await probe(environment.variables(port=port)) == 0
    assert await probe(environment.variables(port=port)) == 1


async def test_names_a_certificate_that_it_cannot_use(environment: Environment, tmp_path: Path) -> None:
    certificate = issue(tmp_path).file
    async with producer(environment, tls_certificate_file=certificate, tls_key_file=certificate) as service:
        assert await service.end(None) == 78
    assert [event["event"] for event in service.events] == [
        f"ROLLCALL_TLS_KEY_FILE: {certificate} has no private key in PEM"
    ]


async def test_pages_of_named_origins_may_call_and_read_also_errors(environment: Environment, tokens: Tokens) -> None:
    token = tokens.add(Scope.WRITE)
    origins = f"http://localhost:3000,{ORIGIN}"
    async with producer(environment, cors_origins=origins, tokens_file=tokens.path) as service:
        await service.ready()
        async with httpx.AsyncClient(base_url=service.url, headers={"Origin": ORIGIN}) as client:
            allowed = await preflight(client)
            assert allowed.status_code == 200
            assert allowed.headers["Access-Control-Allow-Origin"] == ORIGIN
            assert "PUT" in allowed.headers["Access-Control-Allow-Methods"]
            assert {"Authorization", "Content-Type"} <= {*allowed.headers["Access-Control-Allow-Headers"].split(", ")}
            for headers, body, path, status in [
                (bearer(token), UPDATE, "/Record/Update", 200),
                (bearer(token), {}, "/Record/Update", 422),
                ({}, UPDATE, "/Record/Update", 401),
                ({}, UPDATE, "/elsewhere", 404),
            ]:
                answer = await client.put(path, json=body, headers=headers)
                assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (status, ORIGIN)
                assert "Access-Control-Allow-Credentials" not in answer.headers
        async with httpx.AsyncClient(base_url=service.url, headers={"Origin": "https://evil.example"}) as client:
            refused = await preflight(client)
            assert (refused.status_code, refused.headers.get("Access-Control-Allow-Origin")) == (400, None)
            answer = await client.get("/livez")
            assert (answer.status_code, answer.headers.get("Access-Control-Allow-Origin")) == (200, None)


async def test_pages_of_all_origins_may_call_but_without_a_browsers_credentials(environment: Environment) -> None:
    async with producer(environment, cors_origins="*") as service:
        await service.ready()
        async with httpx.AsyncClient(base_url=service.url, headers={"Origin": ORIGIN}) as client:
            for answer in (await preflight(client), await put(client, "s-1"), await put(client, "")):
                assert answer.headers["Access-Control-Allow-Origin"] == "*"
                assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_pages_of_other_origins_may_not_call_by_default(environment: Environment) -> None:
    async with producer(environment) as service:
        await service.ready()
        async with httpx.AsyncClient(base_url=service.url, headers={"Origin": ORIGIN}) as client:
            refused = await preflight(client)
            assert refused.status_code == 405
            for answer in (refused, await put(client, "s-1"), await put(client, "")):
                assert [name for name in answer.headers if name.startswith("access-control-")] == []


async def test_names_what_is_no_origin(environment: Environment) -> None:
    async with producer(environment, cors_origins=f"{ORIGIN}/") as service:
        assert await service.end(None) == 78
    assert "ROLLCALL_CORS_ORIGINS: 'https://app.example/' is no origin" in service.events[-1]["event"]


async def preflight(client: httpx.AsyncClient) -> httpx.Response:
    """Ask what a browser asks before a page's PUT with a token."""
    headers = {
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    return await client.options("/Record/Update", headers=headers)


async def probe(environ: dict[str, str]) -> int:
    """Ask for health as the image does."""
    async with running("rollcall_domain.service.probe", "/readyz", **environ) as asked:
        return await asked.end(None)
