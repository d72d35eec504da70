"""Whose certificates are trusted, and which one is shown to brokers."""

import ssl

from rollcall_domain.service.files import read_bytes, unfit
from rollcall_domain.service.settings import ServiceSettings


def client_context(settings: ServiceSettings) -> ssl.SSLContext:
    """Build the context of connections to brokers, from the files as they are now.

    A broker must show a certificate that is signed by an authority of the CA file, or else by one that the system
    trusts, and that is for the name of its host.

    Raises:
        ConfigurationError: A file can't be read, or does not hold what it should.
    """
    context = trusting(settings, system=settings.ssl_ca_file is None)
    if settings.ssl_certificate_file is not None:
        _show_certificate(context, settings)
    return context


def trusting(settings: ServiceSettings, *, system: bool) -> ssl.SSLContext:
    """Build a context that trusts the authorities of the CA file, if there is one, and perhaps those of the system.

    Raises:
        ConfigurationError: The CA file can't be read, or holds no certificate.
    """
    # Not `ssl.create_default_context`: from Python 3.13 on it refuses certificates that Kafka's other clients take.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # an authority in the middle may be trusted by itself
    if system:
        context.load_default_certs()
    if settings.ssl_ca_file is not None:
        _require_pem(settings, "ssl_ca_file", b"CERTIFICATE")
        try:
            context.load_verify_locations(settings.ssl_ca_file)
        except ssl.SSLError as error:
            raise unfit("ssl_ca_file", "the file holds a broken certificate") from error
    return context


def _show_certificate(context: ssl.SSLContext, settings: ServiceSettings) -> None:
    key_field = "ssl_certificate_file" if settings.ssl_key_file is None else "ssl_key_file"
    _require_pem(settings, "ssl_certificate_file", b"CERTIFICATE")
    _require_pem(settings, key_field, b"PRIVATE KEY")

    def refuse() -> str:  # or OpenSSL would ask the terminal
        raise unfit(key_field, "the key must not be encrypted")

    try:
        context.load_cert_chain(str(settings.ssl_certificate_file), settings.ssl_key_file, refuse)
    except ssl.SSLError as error:
        mismatch = error.reason == "KEY_VALUES_MISMATCH"
        fault = "the certificate is not for the key" if mismatch else "the certificate or its key is broken"
        raise unfit("ssl_certificate_file", fault) from error


def _require_pem(settings: ServiceSettings, field: str, kind: bytes) -> None:
    if kind + b"-----" not in read_bytes(settings, field):
        raise unfit(field, f"the file holds no {kind.decode().lower()} in PEM")
