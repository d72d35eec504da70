"""Settings from the environment, read once: `ROLLCALL_*` and nothing else."""

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta

from rollcall_domain.errors import ConfigurationError
from rollcall_domain.service.secret import Secret
from rollcall_domain.topics import PARTITIONS, Topic

PREFIX = "ROLLCALL_"

Text = Annotated[str, Meta(min_length=1)]
Url = Annotated[str, Meta(pattern=r"^https?://[^\s@]+\Z")]


def env_name(field: str) -> str:
    """Name the environment variable of a settings field."""
    return PREFIX + field.upper()


class ServiceSettings(msgspec.Struct, frozen=True, kw_only=True, rename=env_name):
    """What every service reads from its environment.

    A service adds its own fields in a subclass. The field `some_name` is the variable `ROLLCALL_SOME_NAME`.
    """

    bootstrap_servers: Annotated[
        str,
        Meta(
            pattern=r"^([\w.-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}(,([\w.-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5})*\Z",
            description="Kafka's addresses, host:port, separated by commas",
        ),
    ] = "localhost:9092"
    security_protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"], Meta(description="how to speak to Kafka")
    ] = "PLAINTEXT"
    ssl_ca_file: Annotated[
        Text | None, Meta(description="PEM, who signs the brokers' certificates; else whom the system trusts")
    ] = None
    ssl_certificate_file: Annotated[
        Text | None, Meta(description="PEM, the certificate to show to brokers, with those that it needs")
    ] = None
    ssl_key_file: Annotated[
        Text | None, Meta(description="PEM, its key, not encrypted; else it is in the certificate's file")
    ] = None
    sasl_mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None,
        Meta(description="how to authenticate, with SASL_SSL or SASL_PLAINTEXT"),
    ] = None
    sasl_username: Annotated[Text | None, Meta(description="the user, with PLAIN or SCRAM")] = None
    sasl_password: Annotated[Secret | None, Meta(description="the user's password")] = None
    sasl_password_file: Annotated[Text | None, Meta(description="the file that holds the password instead")] = None
    oauth_token_file: Annotated[
        Text | None, Meta(description="the file with the token for OAUTHBEARER, read at each authentication")
    ] = None
    oauth_token_url: Annotated[Url | None, Meta(description="the OAuth 2 endpoint that gives tokens instead")] = None
    oauth_client_id: Annotated[Text | None, Meta(description="who asks the endpoint for a token")] = None
    oauth_client_secret: Annotated[Secret | None, Meta(description="the client's secret")] = None
    oauth_client_secret_file: Annotated[
        Text | None, Meta(description="the file that holds the client's secret instead")
    ] = None
    oauth_scope: Annotated[Text | None, Meta(description="the scope to ask for")] = None
    topic_prefix: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9._-]{0,128}\Z",
            description="put before the name of every topic and group, so that environments can share a cluster",
        ),
    ] = ""
    partitions: Annotated[int, Meta(ge=1, le=10_000, description="partitions of every topic")] = PARTITIONS
    replication: Annotated[int, Meta(ge=1, le=100, description="copies of every topic that is created")] = 1
    host: Annotated[str, Meta(min_length=1, description="address to serve HTTP on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535, description="port to serve HTTP on; 0 takes any that is free")]
    log_format: Annotated[
        Literal["auto", "console", "json"], Meta(description="auto is console on a terminal and json elsewhere")
    ] = "auto"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="the least level that is logged")
    ] = "info"

    def topic_name(self, topic: Topic) -> str:
        """Name a topic in full, with the environment's prefix."""
        return self.topic_prefix + topic.name


S = TypeVar("S", bound=ServiceSettings)


def known_names(kind: type[ServiceSettings]) -> list[str]:
    """Name all environment variables that a service reads."""
    return [field.encode_name for field in msgspec.structs.fields(kind)]


def load(kind: type[S], environ: Mapping[str, str]) -> S:
    """Read settings from the environment.

    Args:
        kind: The service's settings.
        environ: The process's environment; only names with the prefix `ROLLCALL_` are looked at.

    Raises:
        ConfigurationError: A name is unknown or a value does not fit. It names the variable and what it is for, and
            not the value, which may be a secret.
    """
    given = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
    known = known_names(kind)
    for name in given:
        if name not in known:
            raise ConfigurationError(name, "no such setting" + _suggestion(name, known))
    try:
        return msgspec.convert(given, kind, strict=False, dec_hook=_hide)
    except msgspec.ValidationError as error:
        fault, _, path = str(error).partition(" - at `$.")
        raise _unfit(kind, path.rstrip("`"), fault) from error


def _hide(_: type[Any], value: str) -> Secret:
    if not value:
        raise ValueError("Expected a value")
    return Secret(value)


def _unfit(kind: type[ServiceSettings], name: str, fault: str) -> ConfigurationError:
    field = next(field for field in msgspec.structs.fields(kind) if field.encode_name == name)
    choices = _choices(field.type)
    if choices:
        fault = f"must be one of {', '.join(choices)}"
    elif "regex" in fault:
        fault = "has another form"
    return ConfigurationError(name, f"{fault[0].lower()}{fault[1:]} ({_meaning(field.type)})")


def _choices(annotation: object) -> tuple[str, ...]:
    (kind, *_) = get_args(annotation)
    return next((get_args(part) for part in (kind, *get_args(kind)) if get_origin(part) is Literal), ())


def _suggestion(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; is {close[0]} meant?" if close else ""


def describe(kind: type[ServiceSettings]) -> str:
    """List a service's settings for its `--help`, one a line: name, meaning, default."""
    return "\n".join(
        f"{field.encode_name}  {_meaning(field.type)} [{'not set' if field.default is None else repr(field.default)}]"
        for field in msgspec.structs.fields(kind)
    )


def _meaning(annotation: object) -> str:
    return next(
        meta.description
        for meta in getattr(annotation, "__metadata__", ())
        if isinstance(meta, Meta) and meta.description is not None
    )
