"""The life of a service's process: settings, logging, signals, and how it ends."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
import uvloop
from aiokafka.errors import KafkaError

from rollcall_domain.errors import ConfigurationError, RollcallError
from rollcall_domain.service import logs
from rollcall_domain.service.security import security_options
from rollcall_domain.service.settings import ServiceSettings, load

log = structlog.get_logger()

S = TypeVar("S", bound=ServiceSettings)

Serve = Callable[[S, asyncio.Event], Awaitable[int | None]]
"""A service: works until the event is set, then ends in good order. Gives the exit status, or None for 0."""

SIGNALS = (signal.SIGTERM, signal.SIGINT)

EX_CONFIG = 78
"""The exit status of a process whose settings are at fault (BSD's sysexits): no restart will mend it."""


def run(kind: type[S], serve: Serve[S], *, quiet: bool = False) -> int:
    """Run a service until SIGTERM or SIGINT, or until it has done its work.

    Args:
        kind: The settings to read from the environment.
        serve: The service.
        quiet: Whether standard output is for what it has to say, and the log, on standard error, for warnings alone.

    Returns:
        The process's exit status: the service's own; 78 for faulty settings, 1 for any other error that was foreseen.
    """
    try:
        settings = load(kind, os.environ)
        security_options(settings)  # at fault, they end the process before it serves anything
        if quiet:
            logs.configure(settings.log_format, "warning", sys.stderr)
        else:
            logs.configure(settings.log_format, settings.log_level)
        return uvloop.run(_until_stopped(serve, settings)) or 0
    except (RollcallError, KafkaError, ExceptionGroup) as raised:
        return _report(raised)


async def _until_stopped(serve: Serve[S], settings: S) -> int | None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        stopping.set()
        for number in SIGNALS:  # the second one ends the process at once
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in SIGNALS:
        loop.add_signal_handler(number, stop)
    return await serve(settings, stopping)


def _report(raised: Exception) -> int:
    error = raised
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, ConfigurationError):
        print(error, file=sys.stderr)  # noqa: T201 - the log may not be set up yet
        return EX_CONFIG
    if isinstance(error, RollcallError | KafkaError):
        log.error("Ended", reason=str(error))
        return 1
    raise raised
