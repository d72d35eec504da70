import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec
import pytest

from support.load import Load, count_students, see_through
from support.secure import PASSWORD, USER, SecureKafka, Settings, user
from support.services import Environment, Event, consumer, producer, running, updates, warnings
from support.tokens import TokenAnswer, token_endpoint, unsecured_token


async def _see_an_update_through(environment: Environment, settings: Settings) -> list[Event]:
    """Run both services, and give all that they have said."""
    async with producer(environment, **settings) as api, consumer(environment, **settings) as worker:
        await see_through(api, worker, "s-1")
        assert (await api.end(), await worker.end()) == (0, 0)
    return [*api.events, *worker.events]


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
async def test_an_update_travels_by_tls_with_a_password(secure: SecureKafka, mechanism: str) -> None:
    environment = secure.environment()
    await _see_an_update_through(environment, secure.over_sasl(mechanism) | user())


async def test_an_update_travels_by_a_password_without_tls(secure: SecureKafka) -> None:
    settings = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "SCRAM-SHA-256"} | user()
    await _see_an_update_through(secure.environment(secure.clear), settings)


@pytest.mark.parametrize("together", [True, False])
async def test_an_update_travels_by_mutual_tls(secure: SecureKafka, tmp_path: Path, *, together: bool) -> None:
    issued = secure.authority.issue_cert("office@school.example")
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    settings = secure.over_tls() | {"ssl_certificate_file": certificate}
    if together:
        issued.private_key_and_cert_chain_pem.write_to_path(str(certificate))
    else:
        for blob in issued.cert_chain_pems:
            blob.write_to_path(str(certificate), append=True)
        issued.private_key_pem.write_to_path(str(key))
        settings |= {"ssl_key_file": key}
    await _see_an_update_through(secure.environment(secure.mutual), settings)


async def test_an_update_travels_with_tokens_of_an_endpoint(secure: SecureKafka) -> None:
    granted = msgspec.json.encode({"access_token": unsecured_token(USER), "expires_in": 600, "token_type": "Bearer"})
    with token_endpoint(lambda: TokenAnswer(granted)) as (url, requests):
        client = {"oauth_client_id": "rollcall", "oauth_client_secret": "a/b", "oauth_scope": "kafka"}
        settings = secure.over_sasl("OAUTHBEARER") | {"oauth_token_url": url} | client
        await _see_an_update_through(secure.environment(), settings)
    assert {request.form for request in requests} == {"grant_type=client_credentials&scope=kafka"}
    assert {request.authorization for request in requests} == {"Basic cm9sbGNhbGw6YSUyRmI="}
    assert len(requests) == 2


async def test_a_token_in_a_file_is_read_when_it_is_needed(secure: SecureKafka, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(unsecured_token(USER, seconds=-600))
    settings = secure.over_sasl("OAUTHBEARER") | {"oauth_token_file": file}
    environment = secure.environment()
    async with producer(environment, **settings) as api, consumer(environment, **settings) as worker:
        for service in (api, worker):
            assert 'the credentials are refused: {"status":"invalid_token"}' in await service.fault()
        file.write_text(unsecured_token(USER) + "\n")
        await see_through(api, worker, "s-1")


async def test_sessions_that_end_lose_no_update_and_fail_no_request(secure: SecureKafka) -> None:
    settings = secure.over_sasl() | user()
    environment = secure.environment(secure.brief)
    async with producer(environment, **settings) as api, consumer(environment, **settings) as worker:
        await asyncio.gather(api.ready(), worker.ready())
        async with Load(api.url, callers=3) as load:
            await asyncio.gather(*(service.event(_tells_of_a_closed_connection) for service in (api, worker)))
            await load.answered(200, 50)
        assert {answer.status for answer in load.answers} == {200}
        await worker.events_until(lambda events: len(updates(events)) >= len(load.answers))
        assert (await api.end(), await worker.end()) == (0, 0)
    log = await count_students(Environment(secure.broker.bootstrap_servers, environment.prefix))
    assert log == {answer.student_id: 1 for answer in load.answers}


def _tells_of_a_closed_connection(event: Event) -> bool:
    return "KafkaConnectionError: Connection at localhost" in event["event"]


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512", "OAUTHBEARER"])
async def test_no_secret_is_in_the_log(secure: SecureKafka, tmp_path: Path, mechanism: str) -> None:
    token = unsecured_token(USER)
    (tmp_path / "token").write_text(token)
    credentials = {"oauth_token_file": tmp_path / "token"} if mechanism == "OAUTHBEARER" else user()
    settings = secure.over_sasl(mechanism) | credentials | {"log_level": "debug"}
    events = await _see_an_update_through(secure.environment(), settings)
    said = str(events)
    assert "SaslHandShakeRequest" in said
    assert PASSWORD not in said
    assert token not in said


Case = tuple[Environment, Settings]


def _wrong_password(secure: SecureKafka) -> Case:
    return secure.environment(secure.sasl), secure.over_sasl() | user(password="wrong")  # noqa: S106 - it is


def _unknown_authority(secure: SecureKafka) -> Case:
    return secure.environment(secure.sasl), {**secure.over_sasl(), **user(), "ssl_ca_file": None}


def _another_host(secure: SecureKafka) -> Case:
    return secure.environment(secure.misnamed), secure.over_tls()


def _no_certificate(secure: SecureKafka) -> Case:
    return secure.environment(secure.mutual), secure.over_tls()


def _tls_to_plaintext(secure: SecureKafka) -> Case:
    return Environment(secure.broker.bootstrap_servers, ""), secure.over_tls()


def _plaintext_to_tls(secure: SecureKafka) -> Case:
    return secure.environment(secure.sasl), {}


def _other_mechanism(secure: SecureKafka) -> Case:
    return secure.environment(secure.clear), {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN"} | user()


@pytest.mark.parametrize(
    ("case", "fault"),
    [
        (_wrong_password, "the credentials are refused: Authentication failed"),
        (_unknown_authority, "certificate is not accepted: unable to get local issuer certificate (ROLLCALL_SSL_CA_"),
        (_another_host, "certificate is not accepted: Hostname mismatch, certificate is not valid for 'localhost'"),
        (_no_certificate, "does not accept our certificate: certificate required (ROLLCALL_SSL_CERTIFICATE_FILE)"),
        (_tls_to_plaintext, "the connection was closed; is ROLLCALL_SECURITY_PROTOCOL what that port speaks?"),
        (_plaintext_to_tls, "that port speaks TLS (ROLLCALL_SECURITY_PROTOCOL)"),
        (_other_mechanism, "that port does not take this SASL mechanism (ROLLCALL_SASL_MECHANISM"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_says_in_one_line_why_kafka_does_not_let_it_in(
    secure: SecureKafka, case: Callable[[SecureKafka], Case], fault: str
) -> None:
    environment, settings = case(secure)
    variables = environment.variables(**{name: value for name, value in settings.items() if value is not None})
    async with (
        running("rollcall_producer", **variables) as api,
        running("rollcall_consumer", "run", **variables) as worker,
    ):
        for service in (api, worker):
            assert fault in await service.fault()
            async with httpx.AsyncClient(base_url=service.url) as client:
                assert (await client.get("/livez")).status_code == 200
            assert await service.end() == 0
            assert warnings(service.events) == ["Waiting for Kafka"]
    async with running("rollcall_consumer", "tail", **variables) as tail:
        assert await tail.end(None) == 1
    (line,) = tail.events
    assert fault in line["event"]


@pytest.mark.parametrize("command", [["rollcall_producer"], ["rollcall_consumer", "run"]])
async def test_settings_that_do_not_go_together_end_it_in_one_line(command: list[str]) -> None:
    async with running(*command, ROLLCALL_SASL_MECHANISM="PLAIN", ROLLCALL_PORT="0") as service:
        assert await service.end(None) == 78
    fault = "ROLLCALL_SASL_MECHANISM: has no effect without ROLLCALL_SECURITY_PROTOCOL=SASL_SSL or SASL_PLAINTEXT"
    assert [event["event"] for event in service.events] == [fault]


async def test_tail_names_a_file_that_is_missing_in_one_line() -> None:
    variables = {"ROLLCALL_SECURITY_PROTOCOL": "SSL", "ROLLCALL_SSL_CA_FILE": "/nowhere"}
    async with running("rollcall_consumer", "tail", **variables) as tail:
        assert await tail.end(None) == 1
    fault = "Error: ROLLCALL_SSL_CA_FILE: the file can't be read: No such file or directory"
    assert [event["event"] for event in tail.events] == [fault]
