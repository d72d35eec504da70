from pathlib import Path

import pytest

from rollcall_domain.errors import ConfigurationError
from rollcall_domain.service.probe import own_url
from rollcall_producer.settings import ProducerSettings
from rollcall_producer.tls import server_context
from support.certificates import Certificate, encrypt, issue


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return issue(tmp_path_factory.mktemp("certificates"))


def settings(certificate: Path | str, key: Path | str, password: Path | str = "") -> ProducerSettings:
    return ProducerSettings(
        tls_certificate_file=str(certificate), tls_key_file=str(key), tls_key_password_file=str(password)
    )


def fault(tried: ProducerSettings) -> str:
    with pytest.raises(ConfigurationError) as caught:
        server_context(tried)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_is_off_by_default_and_on_with_both_files(issued: Certificate) -> None:
    assert server_context(ProducerSettings()) is None
    assert server_context(settings(issued.file, issued.key)) is not None


def test_names_the_file_that_is_at_fault(issued: Certificate, tmp_path: Path) -> None:
    nothing, noise = tmp_path / "nothing", tmp_path / "noise"
    noise.write_text("noise")
    other = issue(tmp_path)
    faults: list[tuple[Path | str, Path | str, str]] = [
        (issued.file, "", "ROLLCALL_TLS_KEY_FILE: is missing; HTTPS needs a certificate and its key"),
        ("", issued.key, "ROLLCALL_TLS_CERTIFICATE_FILE: is missing; HTTPS needs a certificate and its key"),
        (nothing, issued.key, f"ROLLCALL_TLS_CERTIFICATE_FILE: can't read {nothing}: No such file or directory"),
        (issued.file, tmp_path, f"ROLLCALL_TLS_KEY_FILE: can't read {tmp_path}: Is a directory"),
        (noise, issued.key, f"ROLLCALL_TLS_CERTIFICATE_FILE: {noise} has no certificate in PEM"),
        (issued.key, issued.key, f"ROLLCALL_TLS_CERTIFICATE_FILE: {issued.key} has no certificate in PEM"),
        (issued.file, noise, f"ROLLCALL_TLS_KEY_FILE: {noise} has no private key in PEM"),
        (issued.file, issued.file, f"ROLLCALL_TLS_KEY_FILE: {issued.file} has no private key in PEM"),
        (
            issued.file,
            other.key,
            f"ROLLCALL_TLS_KEY_FILE: {other.key} can't be used with the certificate: key values mismatch",
        ),
    ]
    for certificate, key, expected in faults:
        assert fault(settings(certificate, key)) == expected


def test_reads_the_password_of_a_key_and_asks_nobody_for_it(tmp_path: Path) -> None:
    issued, password = issue(tmp_path), tmp_path / "password"
    encrypt(issued.key, "open sesame")
    password.write_text("open sesame\n")
    assert server_context(settings(issued.file, issued.key, password)) is not None
    assert fault(settings(issued.file, issued.key)) == (
        "ROLLCALL_TLS_KEY_PASSWORD_FILE: is missing, and the key has a password"
    )
    password.write_text("close sesame\n")
    assert fault(settings(issued.file, issued.key, password)) == (
        f"ROLLCALL_TLS_KEY_PASSWORD_FILE: {password} has another password than the key"
    )
    password.unlink()
    assert "ROLLCALL_TLS_KEY_PASSWORD_FILE: can't read" in fault(settings(issued.file, issued.key, password))


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({"PORT": "8000"}, "http://127.0.0.1:8000/readyz"),
        ({"PORT": "8000", "HOST": "0.0.0.0"}, "http://127.0.0.1:8000/readyz"),  # noqa: S104 - what is tested
        ({"PORT": "8000", "HOST": "::"}, "http://[::1]:8000/readyz"),
        ({"PORT": "1", "HOST": "10.0.0.7", "TLS_CERTIFICATE_FILE": ""}, "http://10.0.0.7:1/readyz"),
        ({"PORT": "1", "TLS_CERTIFICATE_FILE": "x"}, "https://127.0.0.1:1/readyz"),
    ],
)
def test_the_probe_asks_where_the_service_listens(variables: dict[str, str], url: str) -> None:
    assert own_url({f"ROLLCALL_{name}": value for name, value in variables.items()}, "/readyz") == url
