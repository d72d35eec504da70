from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from aiokafka.errors import KafkaError

from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.service import oauth
from rollcall_domain.service.settings import load
from support.tokens import TokenAnswer, token_endpoint


def _settings(**settings: object) -> ConsumerSettings:
    common = {"security_protocol": "SASL_SSL", "sasl_mechanism": "OAUTHBEARER"}
    return load(
        ConsumerSettings, {f"ROLLCALL_{name.upper()}": str(value) for name, value in (common | settings).items()}
    )


def _of_client(url: str) -> ConsumerSettings:
    return _settings(oauth_token_url=url, oauth_client_id="rollcall", oauth_client_secret="hidden")  # noqa: S106 - made up


def _granting(seconds: float | None) -> Callable[[], TokenAnswer]:
    lifetime = {} if seconds is None else {"expires_in": seconds}
    return lambda: TokenAnswer(msgspec.json.encode({"access_token": "a.b.c"} | lifetime))


@pytest.mark.parametrize(("seconds", "count"), [(600, 1), (0, 3), (None, 3)])
async def test_a_token_is_asked_for_when_the_last_one_is_used_up(seconds: float | None, count: int) -> None:
    with token_endpoint(_granting(seconds)) as (url, requests):
        provider = oauth.token_provider(_of_client(url))
        assert {await provider.token() for _ in range(3)} == {"a.b.c"}
    assert len(requests) == count


async def test_clients_of_a_process_share_a_token() -> None:
    with token_endpoint(_granting(600)) as (url, requests):
        settings = _of_client(url)
        for _ in range(3):
            await oauth.token_provider(settings).token()
    assert len(requests) == 1


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (TokenAnswer(b'{"error":"invalid_client"}', 401), "the token endpoint answered 401: invalid_client"),
        (TokenAnswer(b"<html>", 502), "the token endpoint answered 502"),
        (TokenAnswer(b"", 302, (("Location", "https://other.example/"),)), "the token endpoint answered 302"),
        (
            TokenAnswer(b"{}"),
            "the token endpoint's answer holds no token: Object missing required field `access_token`",
        ),
        (TokenAnswer(b"<html>"), "the token endpoint's answer holds no token: JSON is malformed"),
    ],
)
async def test_says_why_there_is_no_token(answer: TokenAnswer, fault: str) -> None:
    with token_endpoint(lambda: answer) as (url, requests):
        with pytest.raises(KafkaError) as caught:
            await oauth.token_provider(_of_client(url)).token()
        assert str(caught.value).startswith(f"TokenError: {fault}")
        assert len(requests) == 1


async def test_an_endpoint_that_is_away_is_no_crash() -> None:
    with pytest.raises(KafkaError, match=r"the token endpoint can't be asked: .*Connection refused"):
        await oauth.token_provider(_of_client("http://127.0.0.1:1/token")).token()


async def test_a_file_that_has_gone_is_no_crash(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("a.b.c\n")
    provider = oauth.token_provider(_settings(oauth_token_file=file))
    assert await provider.token() == "a.b.c"
    file.unlink()
    with pytest.raises(KafkaError, match="ROLLCALL_OAUTH_TOKEN_FILE: the file can't be read"):
        await provider.token()
