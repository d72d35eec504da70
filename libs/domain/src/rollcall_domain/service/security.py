"""How clients get in: from settings to aiokafka's keyword arguments."""

from typing import Any

from rollcall_domain.service.files import read_secret, unfit
from rollcall_domain.service.oauth import token_provider
from rollcall_domain.service.settings import ServiceSettings, env_name
from rollcall_domain.service.tls import client_context

_SSL = ("ssl_ca_file", "ssl_certificate_file", "ssl_key_file")
_PASSWORD = ("sasl_username", "sasl_password", "sasl_password_file")
_CLIENT = ("oauth_client_id", "oauth_client_secret", "oauth_client_secret_file", "oauth_scope")
_OAUTH = ("oauth_token_file", "oauth_token_url", *_CLIENT)


def security_options(settings: ServiceSettings) -> dict[str, Any]:
    """Build the keyword arguments by which an aiokafka client gets in.

    Files are read anew, so that a client made later uses what was renewed or mended meanwhile.

    Raises:
        ConfigurationError: Settings contradict each other, one is missing, or a file can't be used.
    """
    _check(settings)
    options: dict[str, Any] = {"security_protocol": settings.security_protocol}
    if _has_tls(settings):
        options["ssl_context"] = client_context(settings)
    if _has_sasl(settings):
        options["sasl_mechanism"] = settings.sasl_mechanism
        if settings.sasl_mechanism == "OAUTHBEARER":
            options["sasl_oauth_token_provider"] = token_provider(settings)
        else:
            options["sasl_plain_username"] = settings.sasl_username
            options["sasl_plain_password"] = read_secret(settings, "sasl_password")
    return options


def _has_tls(settings: ServiceSettings) -> bool:
    return settings.security_protocol in ("SSL", "SASL_SSL")


def _has_sasl(settings: ServiceSettings) -> bool:
    return settings.security_protocol in ("SASL_SSL", "SASL_PLAINTEXT")


def _check(settings: ServiceSettings) -> None:
    """Refuse what would have no effect, and miss what is needed."""
    sasl, oauth = _has_sasl(settings), settings.sasl_mechanism == "OAUTHBEARER"
    protocol, mechanism = env_name("security_protocol"), env_name("sasl_mechanism")
    if not _has_tls(settings):
        _refuse(settings, _SSL, f"{protocol}=SSL or SASL_SSL")
    if not sasl:
        _refuse(settings, ("sasl_mechanism", *_PASSWORD, *_OAUTH), f"{protocol}=SASL_SSL or SASL_PLAINTEXT")
    if oauth:
        _refuse(settings, _PASSWORD, f"{mechanism}=PLAIN or SCRAM")
    else:
        _refuse(settings, _OAUTH, f"{mechanism}=OAUTHBEARER")
    if settings.ssl_certificate_file is None:
        _refuse(settings, ("ssl_key_file",), env_name("ssl_certificate_file"))
    if settings.oauth_token_url is None:
        _refuse(settings, _CLIENT, env_name("oauth_token_url"))
    if sasl:
        _require(settings, f"{protocol}={settings.security_protocol}", "sasl_mechanism")
    if sasl and not oauth:
        _require(settings, f"{mechanism}={settings.sasl_mechanism}", "sasl_username")
        _require(settings, f"{mechanism}={settings.sasl_mechanism}", "sasl_password", "sasl_password_file")
    if oauth:
        _require(settings, f"{mechanism}=OAUTHBEARER", "oauth_token_file", "oauth_token_url")
    if settings.oauth_token_url is not None:
        _require(settings, env_name("oauth_token_url"), "oauth_client_id")
        _require(settings, env_name("oauth_token_url"), "oauth_client_secret", "oauth_client_secret_file")


def _refuse(settings: ServiceSettings, fields: tuple[str, ...], needed: str) -> None:
    for field in fields:
        if getattr(settings, field) is not None:
            raise unfit(field, f"has no effect without {needed}")


def _require(settings: ServiceSettings, reason: str, *fields: str) -> None:
    """Require exactly one of several settings."""
    given = [field for field in fields if getattr(settings, field) is not None]
    if not given:
        raise unfit(fields[0], " ".join(["is needed", *(f"(or {env_name(f)})" for f in fields[1:]), f"with {reason}"]))
    if len(given) > 1:
        raise unfit(given[1], f"can't be set together with {env_name(given[0])}")
