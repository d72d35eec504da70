"""The pipeline `record`: updates of students to their records, to what happens minute by minute, and to alerts."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

import structlog
from msgspec.structs import replace

from rollcall_consumer.runtime.folds.fold import Admitted, Outputs, Share
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain import codec
from rollcall_domain.events import StudentRecordUpdate
from rollcall_domain.record import NOTHING
from rollcall_domain.roll import Place, Roll
from rollcall_domain.rules import ManyLogins, Rules, TwoPlaces, too_long
from rollcall_domain.topics import ACTIVITY, ALERTS, STATE, Topic

log = structlog.get_logger()


def rules(settings: ConsumerSettings) -> Rules:
    """Give the rules that are in force."""
    return Rules(
        rules=[ManyLogins(settings.many_logins, timedelta(minutes=settings.many_logins_minutes)), TwoPlaces()],
        limits=[too_long(timedelta(hours=settings.too_long_hours))],
    )


def identify(_: Topic, value: bytes) -> str:
    """Tell an alert from all others."""
    return codec.decode_alert(value).id


def essence(topic: Topic, value: bytes) -> object:
    """Give what matters of a record or a minute: all but where a record's last updates lay."""
    if topic is ACTIVITY:
        return codec.decode_minute(value)
    return replace(codec.decode_record(value), version=NOTHING, inbox_version=NOTHING)


class RecordFold:
    """The roll of one partition, as the runtime wants it: bytes in, bytes out.

    Logs each update once it is applied for good, in the words of the .NET consumer on the same topic.
    """

    def __init__(self, share: Share, settings: ConsumerSettings) -> None:
        self._share = share
        self._roll = Roll(Place(share.index, share.partitions), rules(settings))
        self._log_records = settings.log_records
        self._applied: list[tuple[StudentRecordUpdate, str, int]] = []

    def restore(self, topic: Topic, values: Iterable[bytes]) -> None:
        """Take back records or minutes."""
        if topic is STATE:
            self._roll.restore_records(map(codec.decode_record, values))
        else:
            self._roll.restore_minutes(map(codec.decode_minute, values))

    def restored(self) -> Sequence[int]:
        """Begin to work with what was taken back; tells how far the inputs are in it."""
        return [version + 1 for version in self._roll.restored()]

    def apply(self, records: Iterator[Admitted], source: int) -> None:
        """Apply updates; a record without a value says nothing."""
        decode, apply, log_records = codec.decode_update, self._roll.apply, self._log_records
        try:
            for record, cause in records:
                value = record.value
                if value:
                    update = decode(value)
                    applied = apply(update, record.timestamp, source, record.offset, cause)
                    if applied and log_records:
                        self._applied.append((update, self._share.inputs[source], record.offset))
        except codec.FAULTS as error:
            raise codec.unreadable(error) from error

    def next_due(self) -> int | None:
        """Tell when a limit may have passed."""
        return self._roll.next_due()

    def tick(self, now: int) -> None:
        """Look for limits that have passed."""
        self._roll.tick(now)

    def take(self) -> Outputs:
        """Give what has changed."""
        records, minutes, alerts = self._roll.take()
        encode = codec.encode
        return [
            (STATE, [(record.student_id.encode(), encode(record), record.seen) for record in records]),
            (ACTIVITY, [(minute.key.encode(), encode(minute), minute.start) for minute in minutes]),
            (ALERTS, [(alert.student_id.encode(), encode(alert), alert.at) for alert in alerts]),
        ]

    def committed(self) -> None:
        """Log what was applied."""
        applied, self._applied = self._applied, []
        for update, topic, offset in applied:
            log.info(
                f"Student {update.student_id} updated state to {update.state.name}",  # noqa: G004 - words with a history
                topic=topic,
                partition=self._share.index,
                offset=offset,
            )
