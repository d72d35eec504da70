"""Logging: structured events on standard output, also from libraries that use the standard library's."""

import logging
import sys
from typing import Literal, TextIO

import msgspec
import structlog
from structlog.types import Processor

_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,  # which process of several it is
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

_CHATTY = ("aiokafka", "uvicorn")
_PAUSE = 10.0
"""Seconds for which a library's message is not repeated: during an outage aiokafka has the same to say at every try."""


class _NotAgain(logging.Filter):
    """Lets a message pass once in a while, whatever its arguments."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        last = self._said.get(record.msg, -_PAUSE)
        if record.created - last < _PAUSE:
            return False
        self._said[record.msg] = record.created
        return True


class _Discreet(logging.Filter):
    """Drops credentials on their way, and failures of a client's start, whose cause is told by who has started it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "aiokafka" and record.funcName == "bootstrap":
            return False
        arguments = record.args if isinstance(record.args, tuple) else ()
        return not any(type(argument).__name__.startswith("SaslAuthenticate") for argument in arguments)


def configure(log_format: Literal["auto", "console", "json"], level: str, stream: TextIO = sys.stdout) -> None:
    """Set up logging for the process.

    Args:
        log_format: `console` for people, `json` for programs, `auto` to choose by whether a terminal looks on.
        level: The least level that is logged, in lower case.
        stream: Where to.
    """
    threshold = logging.getLevelNamesMapping()[level.upper()]
    console = log_format == "console" or (log_format == "auto" and stream.isatty())
    tail = _console(stream) if console else _json()
    structlog.configure(
        processors=[*_SHARED, *tail],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tail]
        )
    )
    handler.setLevel(threshold)
    handler.addFilter(_Discreet())
    if threshold > logging.DEBUG:
        handler.addFilter(_NotAgain())
        for name in _CHATTY:
            logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells whole addresses, which are a secret of webhooks
    logging.basicConfig(handlers=[handler], level=threshold, force=True)


def hush() -> None:
    """Log nothing, for a command that says by itself what has failed."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)


def _console(stream: TextIO) -> list[Processor]:
    # The other formatter of tracebacks, used where `rich` is installed, shows variables, and so perhaps secrets.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=plain)]


def _json() -> list[Processor]:
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_to_json)]


def _to_json(event: object, **_: object) -> str:
    return msgspec.json.encode(event, enc_hook=repr).decode()
