"""The pipeline `record`: what is done with each update of a student's record."""

import structlog

from rollcall_consumer.runtime.pipeline import Record
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain import codec

log = structlog.get_logger()


class RecordLog:
    """Logs updates, in the words of the .NET consumer on the same topic."""

    def __init__(self, settings: ConsumerSettings) -> None:
        self._log_records = settings.log_records

    def __call__(self, record: Record) -> None:
        """Handle one record of the topic Student.

        Raises:
            UnreadableRecordError: Its value is not an update.
        """
        update = codec.decode(record.value)
        if update is not None and self._log_records:
            log.info(
                f"Student {update.student_id} updated state to {update.state.name}",  # noqa: G004 - words with a history
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
            )
