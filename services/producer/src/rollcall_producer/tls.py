"""HTTPS: the certificate that the API shows."""

import ssl
from pathlib import Path

from rollcall_domain.errors import ConfigurationError
from rollcall_domain.service.settings import env_name
from rollcall_producer.settings import ProducerSettings


def server_context(settings: ProducerSettings) -> ssl.SSLContext | None:
    """Load the certificate and its key.

    Returns:
        None if no certificate is set.

    Raises:
        ConfigurationError: A file can't be used, or one is missing. It names the setting.
    """
    certificate, key = settings.tls_certificate_file, settings.tls_key_file
    if not (certificate or key):
        return None
    for name, path in [("tls_certificate_file", certificate), ("tls_key_file", key)]:
        if not path:
            raise ConfigurationError(env_name(name), "is missing; HTTPS needs a certificate and its key")
        _read(name, path)
    _check_certificate(certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    password = _Password(settings.tls_key_password_file)
    try:
        context.load_cert_chain(certificate, key, password)
    except (ssl.SSLError, ValueError) as error:
        if password.asked and _reason(error) != "KEY_VALUES_MISMATCH":
            fault = f"{password.path} has another password than the key"
            raise ConfigurationError(env_name("tls_key_password_file"), fault) from error
        raise ConfigurationError(env_name("tls_key_file"), _key_fault(key, _reason(error))) from error
    return context


def _check_certificate(path: str) -> None:
    """Tell a faulty certificate from a faulty key, which OpenSSL does not."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(path)
    except ssl.SSLError as error:
        raise ConfigurationError(env_name("tls_certificate_file"), f"{path} has no certificate in PEM") from error


def _reason(error: Exception) -> str | None:
    return getattr(error, "reason", None)


def _key_fault(path: str, reason: str | None) -> str:
    if reason is None:
        return f"{path} has no private key in PEM"
    return f"{path} can't be used with the certificate: {reason.lower().replace('_', ' ')}"


class _Password:
    """The key's password, read when OpenSSL asks for it; without an answer it would ask at the terminal.

    Attributes:
        path: The file that has it.
        asked: Whether the key has a password.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.asked = False

    def __call__(self) -> str:
        self.asked = True
        if not self.path:
            raise ConfigurationError(env_name("tls_key_password_file"), "is missing, and the key has a password")
        return _read("tls_key_password_file", self.path).rstrip("\r\n")


def _read(name: str, path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fault = error.strerror if isinstance(error, OSError) else "not text"
        raise ConfigurationError(env_name(name), f"can't read {path}: {fault}") from error
