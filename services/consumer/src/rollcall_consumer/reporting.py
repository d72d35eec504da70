"""What a run of an operator's command has come to: how long it took, and why it has not done its work, if so."""

import contextlib
from collections.abc import Iterator
from time import monotonic
from typing import Protocol

from aiokafka.errors import KafkaError

from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.errors import RollcallError
from rollcall_domain.service.cause import Overheard
from rollcall_domain.service.connection import unreachable


class Report(Protocol):
    """What all reports of runs have.

    Attributes:
        reason: Why the run has not done its work, for people.
        seconds: How long it took.
    """

    reason: str | None
    seconds: float


@contextlib.contextmanager
def reporting(report: Report, settings: ConsumerSettings) -> Iterator[None]:
    """Fill in a report by what becomes of the body, and go on after it: errors that are foreseen end there."""
    begun = monotonic()
    with Overheard() as heard:
        try:
            yield
        except (KafkaError, OSError, TimeoutError) as error:
            report.reason = unreachable(settings, heard.cause(error))
        except RollcallError as error:
            report.reason = str(error)
    report.seconds = round(monotonic() - begun, 3)
