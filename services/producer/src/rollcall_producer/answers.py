"""What reads and the stream tell: students' records, events and alerts, in the API's words."""

import msgspec
from msgspec import UNSET, UnsetType

from rollcall_domain import alert, record
from rollcall_domain.events import State, StudentRecordUpdate
from rollcall_domain.times import write_time
from rollcall_producer.update import StateName

STATE_NAMES: dict[State, StateName] = {State.LoggedIn: "LoggedIn", State.LoggedOut: "LoggedOut"}
"""States in the API's words."""


class Record(msgspec.Struct, frozen=True, gc=False, rename="pascal"):
    """What is known of a student. Times are in RFC 3339, UTC.

    Attributes:
        student_id: Who.
        state: Whether the student is in.
        since: When that began.
        seen: The time of the latest update.
        logins: How often the student has logged in.
        total_seconds: How long the student was logged in, up to the last time of logging out.
    """

    student_id: str
    state: StateName
    since: str
    seen: str
    logins: int
    total_seconds: float


class Event(msgspec.Struct, frozen=True, gc=False, rename="pascal"):
    """An update of a student, as it lies in the log.

    Attributes:
        student_id: Who.
        state: The state from then on.
        at: When, in RFC 3339, UTC.
        position: Where it lies in the topic Student: partition and offset, as in `4@17`. In the inbox of the group
            that is shown, if it was forwarded there because it was written to another partition: then `inbox:4@17`.
        id: Its id, if it has one.
    """

    student_id: str
    state: StateName
    at: str
    position: str
    id: str | UnsetType = UNSET


class Alert(msgspec.Struct, frozen=True, gc=False, rename="pascal"):
    """What a rule has found.

    Attributes:
        id: What tells it from all others, in 32 hexadecimal digits.
        rule: The rule's name.
        student_id: Whom it is about.
        at: When it came to that, in RFC 3339, UTC.
        cause: The id of the update that was one too many; or, of something that has not happened, since when.
        detail: What was found, for people.
    """

    id: str
    rule: str
    student_id: str
    at: str
    cause: str
    detail: str


def of_record(known: record.StudentRecord) -> Record:
    """Tell a student's record."""
    return Record(
        known.student_id,
        STATE_NAMES[known.state],
        write_time(known.since),
        write_time(known.seen),
        known.logins,
        known.total / 1000,
    )


def of_update(update: StudentRecordUpdate, timestamp: int, position: str, identity: bytes | None) -> Event:
    """Tell an update.

    Args:
        update: The update.
        timestamp: When, in milliseconds since 1970, UTC.
        position: Where it lies.
        identity: Its record's id, if it has one.
    """
    told = UNSET if identity is None else identity.decode(errors="replace")
    return Event(update.student_id, STATE_NAMES[update.state], write_time(timestamp), position, told)


def of_alert(raised: alert.Alert) -> Alert:
    """Tell an alert."""
    return Alert(raised.id, raised.rule, raised.student_id, write_time(raised.at), raised.cause, raised.detail)
