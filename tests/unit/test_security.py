import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.errors import ConfigurationError
from rollcall_domain.service.connection import client_options
from rollcall_domain.service.security import security_options
from rollcall_domain.service.settings import load

SECRET = "correct horse"  # noqa: S105 - made up
SASL = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "SCRAM-SHA-512"}
USER = {"sasl_username": "office", "sasl_password": SECRET}
OAUTH = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "OAUTHBEARER"}
CLIENT = {"oauth_token_url": "https://id.example/token", "oauth_client_id": "x", "oauth_client_secret": SECRET}


def _settings(settings: dict[str, Any]) -> ConsumerSettings:
    return load(ConsumerSettings, {f"ROLLCALL_{name.upper()}": str(value) for name, value in settings.items()})


def _without(settings: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key != name}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Certificates and what may be taken for them, by what the files hold."""
    authority = trustme.CA()
    ours, other = (authority.issue_cert(f"{name}@school.example") for name in ("office", "other"))
    key = load_pem_private_key(ours.private_key_pem.bytes(), None)
    contents = {
        "authority": authority.cert_pem.bytes(),
        "certificate": ours.cert_chain_pems[0].bytes(),
        "key": ours.private_key_pem.bytes(),
        "both": ours.private_key_and_cert_chain_pem.bytes(),
        "other key": other.private_key_pem.bytes(),
        "encrypted key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")),
        "broken": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "text": b"nothing of the kind\n",
        "empty": b"\n",
        "bytes": b"\xff\xfe",
        "password": f"{SECRET}\r\n".encode(),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return {name: tmp_path / name for name in [*contents, "missing"]}


@pytest.mark.parametrize(
    ("settings", "name", "fault"),
    [
        ({"sasl_mechanism": "PLAIN"}, "SASL_MECHANISM", "has no effect without ROLLCALL_SECURITY_PROTOCOL=SASL_SSL or"),
        ({"sasl_password": SECRET}, "SASL_PASSWORD", "has no effect without ROLLCALL_SECURITY_PROTOCOL=SASL_SSL or"),
        ({"ssl_ca_file": "ca.pem"}, "SSL_CA_FILE", "has no effect without ROLLCALL_SECURITY_PROTOCOL=SSL or SASL_SSL"),
        (SASL | USER | {"ssl_ca_file": "ca.pem"}, "SSL_CA_FILE", "has no effect without"),
        ({"security_protocol": "SSL"} | USER, "SASL_USERNAME", "has no effect without"),
        ({"security_protocol": "SASL_SSL"}, "SASL_MECHANISM", "is needed with ROLLCALL_SECURITY_PROTOCOL=SASL_SSL"),
        ({"security_protocol": "SSL", "ssl_key_file": "k"}, "SSL_KEY_FILE", "without ROLLCALL_SSL_CERTIFICATE_FILE"),
        (SASL, "SASL_USERNAME", "is needed with ROLLCALL_SASL_MECHANISM=SCRAM-SHA-512"),
        (_without(SASL | USER, "sasl_password"), "SASL_PASSWORD", "is needed (or ROLLCALL_SASL_PASSWORD_FILE) with"),
        (SASL | USER | {"sasl_password_file": "x"}, "SASL_PASSWORD_FILE", "together with ROLLCALL_SASL_PASSWORD"),
        (SASL | USER | CLIENT, "OAUTH_TOKEN_URL", "has no effect without ROLLCALL_SASL_MECHANISM=OAUTHBEARER"),
        (OAUTH | USER, "SASL_USERNAME", "has no effect without ROLLCALL_SASL_MECHANISM=PLAIN or SCRAM"),
        (OAUTH, "OAUTH_TOKEN_FILE", "is needed (or ROLLCALL_OAUTH_TOKEN_URL) with ROLLCALL_SASL_MECHANISM=OAUTHBEARER"),
        (OAUTH | CLIENT | {"oauth_token_file": "x"}, "OAUTH_TOKEN_URL", "together with ROLLCALL_OAUTH_TOKEN_FILE"),
        (OAUTH | _without(CLIENT, "oauth_client_id"), "OAUTH_CLIENT_ID", "is needed with ROLLCALL_OAUTH_TOKEN_URL"),
        (
            OAUTH | _without(CLIENT, "oauth_client_secret"),
            "OAUTH_CLIENT_SECRET",
            "is needed (or ROLLCALL_OAUTH_CLIENT_",
        ),
        (OAUTH | _without(CLIENT, "oauth_token_url"), "OAUTH_CLIENT_ID", "has no effect without ROLLCALL_OAUTH_TOKEN_"),
    ],
)
def test_settings_that_do_not_go_together_are_named(settings: dict[str, Any], name: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        security_options(_settings(settings))
    assert caught.value.name == f"ROLLCALL_{name}"
    assert fault in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("security_protocol", "TLS", "must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL (how to speak"),
        ("sasl_mechanism", "GSSAPI", "must be one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER (how to"),
        ("sasl_password", "", "expected a value (the user's password"),
        ("sasl_username", "", "of length >= 1 (the user"),
        ("oauth_token_url", "ftp://id.example/", "has another form (the OAuth 2 endpoint"),
        ("oauth_token_url", "https://user:pass@id.example/", "has another form"),
    ],
)
def test_values_that_cannot_be_are_named(name: str, value: str, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^ROLLCALL_{name.upper()}: ") as caught:
        _settings({name: value})
    assert fault in str(caught.value)


@pytest.mark.parametrize(
    ("field", "content", "fault"),
    [
        ("ssl_ca_file", "missing", "the file can't be read: No such file or directory"),
        ("ssl_ca_file", "text", "the file holds no certificate in PEM"),
        ("ssl_ca_file", "key", "the file holds no certificate in PEM"),
        ("ssl_ca_file", "broken", "the file holds a broken certificate"),
        ("ssl_certificate_file", "missing", "the file can't be read: No such file or directory"),
        ("ssl_certificate_file", "text", "the file holds no certificate in PEM"),
        ("ssl_certificate_file", "broken", "the certificate or its key is broken"),
        ("ssl_key_file", "missing", "the file can't be read: No such file or directory"),
        ("ssl_key_file", "certificate", "the file holds no private key in PEM"),
        ("ssl_key_file", "encrypted key", "the key must not be encrypted"),
        ("sasl_password_file", "missing", "the file can't be read: No such file or directory"),
        ("sasl_password_file", "empty", "the file is empty"),
        ("sasl_password_file", "bytes", "the file is no text in UTF-8"),
    ],
)
def test_files_that_cannot_be_used_are_named(files: dict[str, Path], field: str, content: str, fault: str) -> None:
    settings: dict[str, Any] = {"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN", "sasl_username": "office"}
    settings |= {"sasl_password_file": files["password"], "ssl_ca_file": files["authority"]}
    settings |= {"ssl_certificate_file": files["certificate"], "ssl_key_file": files["key"]}
    security_options(_settings(settings))
    with pytest.raises(ConfigurationError) as caught:
        security_options(_settings(settings | {field: files[content]}))
    assert str(caught.value) == f"ROLLCALL_{field.upper()}: {fault}"


def test_a_key_must_be_that_of_the_certificate(files: dict[str, Path]) -> None:
    settings = {"security_protocol": "SSL", "ssl_certificate_file": files["both"]}
    security_options(_settings(settings))
    with pytest.raises(
        ConfigurationError, match=r"^ROLLCALL_SSL_CERTIFICATE_FILE: the certificate is not for the key$"
    ):
        security_options(_settings(settings | {"ssl_key_file": files["other key"]}))
    with pytest.raises(
        ConfigurationError, match=r"^ROLLCALL_SSL_CERTIFICATE_FILE: the file holds no private key in PEM"
    ):
        security_options(_settings(settings | {"ssl_certificate_file": files["certificate"]}))


def test_a_secret_in_place_of_a_path_is_not_repeated() -> None:
    for value in (SECRET, f"{SECRET}\0", SECRET * 1000):
        with pytest.raises(ConfigurationError) as caught:
            security_options(_settings(SASL | {"sasl_username": "office", "sasl_password_file": value}))
        assert SECRET not in str(caught.value)


def test_settings_do_not_show_secrets() -> None:
    for settings in (SASL | USER, OAUTH | CLIENT):
        assert SECRET not in repr(_settings(settings))
        assert SECRET not in str(_settings(settings))


def test_without_settings_nothing_is_secured() -> None:
    assert security_options(_settings({})) == {"security_protocol": "PLAINTEXT"}


def test_a_password_is_read_anew_for_each_client(files: dict[str, Path]) -> None:
    settings = _settings(SASL | {"sasl_username": "office", "sasl_password_file": files["password"]})
    expected = {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "office",
    }
    assert security_options(settings) == expected | {"sasl_plain_password": SECRET}
    files["password"].write_text("another")
    assert client_options(settings, "x").items() > (expected | {"sasl_plain_password": "another"}).items()


@pytest.mark.parametrize("ca_file", ["authority", None])
def test_brokers_must_prove_who_they_are(files: dict[str, Path], ca_file: str | None) -> None:
    trust = {} if ca_file is None else {"ssl_ca_file": files[ca_file]}
    context = security_options(_settings({"security_protocol": "SSL"} | trust))["ssl_context"]
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        assert len(context.get_ca_certs()) == 1
