import asyncio
import ssl
from pathlib import Path

import httpx
import pytest
from starlette.responses import Response

from rollcall_consumer.egress import client, origin
from rollcall_consumer.errors import PermanentError
from support.certificates import issue
from support.receiver import receiving

HEADERS = {"webhook-id": "1"}


async def test_a_request_goes_nowhere_but_where_the_settings_say() -> None:
    async with receiving() as receiver, receiving() as other, client({origin(receiver.url)}, 5) as http:
        assert (await http.post(f"{receiver.url}/x", headers=HEADERS)).status_code == 204
        with pytest.raises(PermanentError, match="is no place that the settings name"):
            await http.post(f"{other.url}/x", headers=HEADERS)
        receiver.say(Response(status_code=307, headers={"Location": f"{other.url}/x"}))
        assert (await http.post(f"{receiver.url}/x", headers=HEADERS)).status_code == 307
    assert other.calls == []


async def test_connections_are_used_again_and_made_anew_after_the_receiver_was_away() -> None:
    async with receiving() as receiver, client({origin(receiver.url)}, 5) as http:
        port = httpx.URL(receiver.url).port or 0
        for _ in range(3):
            await asyncio.gather(*(http.post(f"{receiver.url}/x", headers=HEADERS) for _ in range(20)))
        assert len({call.client for call in receiver.calls}) <= 20
        again = receiving(port=port)
    async with client({origin(receiver.url)}, 5) as http:
        with pytest.raises(httpx.ConnectError):
            await http.post(f"{receiver.url}/x", headers=HEADERS)
        async with again as back:
            assert (await http.post(f"{back.url}/x", headers=HEADERS)).status_code == 204


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name)
    async with receiving() as receiver, client({origin(receiver.url)}, 5) as http:
        assert (await http.post(f"{receiver.url}/x", headers=HEADERS)).status_code == 204


async def test_a_receiver_is_trusted_by_the_authority_that_the_settings_name(tmp_path: Path) -> None:
    certificate = issue(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.file, certificate.key)
    trusted = tmp_path / "ca.pem"
    trusted.write_text(
        "".join(ssl.DER_cert_to_PEM_cert(der) for der in certificate.trust.get_ca_certs(binary_form=True))
    )
    async with receiving(context) as receiver:
        async with client({origin(receiver.url)}, 5, str(trusted)) as http:
            assert (await http.post(f"{receiver.url}/x", headers=HEADERS)).status_code == 204
        async with client({origin(receiver.url)}, 5) as http:
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await http.post(f"{receiver.url}/x", headers=HEADERS)
