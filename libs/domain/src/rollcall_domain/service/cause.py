"""Why Kafka can't be used: aiokafka logs what has failed, and then raises an error that does not have it."""

import asyncio
import logging
from ssl import SSLCertVerificationError, SSLError
from types import TracebackType
from typing import Self

from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    NodeNotReadyError,
    RequestTimedOutError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnsupportedSaslMechanismError,
)

from rollcall_domain.service.oauth import TokenError

_REFUSALS = (SaslAuthenticationFailed, IllegalSaslStateError, UnsupportedSaslMechanismError, TokenError)

_DENIALS = (
    TopicAuthorizationFailedError,
    GroupAuthorizationFailedError,
    ClusterAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)

_VAGUE = (KafkaConnectionError, NodeNotReadyError, RequestTimedOutError, TimeoutError)

_TLS_ALERT = 0x1503
"""How a TLS server's complaint begins, which aiokafka takes for the size of an answer."""


def is_refusal(cause: BaseException) -> bool:
    """Tell whether we do not get in, and shall not with the credentials and certificates that we have."""
    if isinstance(cause, SSLError):  # other errors of TLS are those of a connection that ends
        return isinstance(cause, SSLCertVerificationError) or "ALERT" in (cause.reason or "")
    return isinstance(cause, _REFUSALS)


def is_denial(cause: BaseException) -> bool:
    """Tell whether we get in, and are not allowed to do what we want."""
    return isinstance(cause, _DENIALS)


class Overheard(logging.Handler):
    """The errors that aiokafka logs while the body runs."""

    def __init__(self) -> None:
        super().__init__()
        self._errors: list[BaseException] = []

    def __enter__(self) -> Self:
        logging.getLogger("aiokafka").addHandler(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        logging.getLogger("aiokafka").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep an error that is logged."""
        arguments = record.args if isinstance(record.args, tuple) else ()
        self._errors += [_root(argument) for argument in arguments if isinstance(argument, Exception)]

    def cause(self, error: BaseException) -> BaseException:
        """Give the cause of an error that was raised in the body: the one that was overheard, if it says nothing."""
        if not isinstance(error, _VAGUE) and type(error) is not KafkaError:
            return error
        refusals = [heard for heard in self._errors if is_refusal(heard)]
        return next(iter([*refusals, *reversed(self._errors)]), _root(error))


def _root(error: BaseException) -> BaseException:
    while isinstance(error.__cause__, Exception):
        error = error.__cause__
    return error


def explain(cause: BaseException) -> str:
    """Say in a few words what has failed, and which setting may be at fault."""
    details = " ".join(map(str, cause.args))
    match cause:
        case SSLError():
            fault = _explain_tls(cause)
        case SaslAuthenticationFailed():
            fault = f"the credentials are refused: {details}"
        case IllegalSaslStateError() | UnsupportedSaslMechanismError():
            fault = "that port does not take this SASL mechanism (ROLLCALL_SASL_MECHANISM, ROLLCALL_SECURITY_PROTOCOL)"
        case TokenError():
            fault = f"no token: {details}"
        case _ if is_denial(cause):
            fault = f"access is denied: {type(cause).__name__.removesuffix('Error')} {details}".rstrip()
        case asyncio.IncompleteReadError() | ConnectionResetError():
            fault = _explain_end(cause)
        case TimeoutError() | RequestTimedOutError():
            fault = "no answer in time"
        case OSError() | KafkaConnectionError():
            fault = ": ".join(filter(None, ["no connection", getattr(cause, "strerror", None)]))
        case _:
            fault = str(cause) or type(cause).__name__
    return fault


def _explain_tls(cause: SSLError) -> str:
    if isinstance(cause, SSLCertVerificationError):
        hint = "" if "mismatch" in cause.verify_message else " (ROLLCALL_SSL_CA_FILE)"
        return f"the broker's certificate is not accepted: {cause.verify_message}{hint}"
    failure, _, alert = (cause.reason or str(cause)).rpartition("ALERT_")
    text = (alert or failure).replace("_", " ").lower()
    if "certificate" in text or "unknown ca" in text:
        return f"the broker does not accept our certificate: {text} (ROLLCALL_SSL_CERTIFICATE_FILE)"
    return f"TLS failed: {text} (ROLLCALL_SECURITY_PROTOCOL)"


def _explain_end(cause: asyncio.IncompleteReadError | ConnectionResetError) -> str:
    if isinstance(cause, asyncio.IncompleteReadError) and (cause.expected or 0) >> 16 == _TLS_ALERT:
        return "that port speaks TLS (ROLLCALL_SECURITY_PROTOCOL)"
    return "the connection was closed; is ROLLCALL_SECURITY_PROTOCOL what that port speaks?"
