"""Bytes to events and back: the value of a record on the topic Student.

The form is that of the .NET programs on the same topic: `{"StudentId":"s-1","State":0}`.
"""

import msgspec

from rollcall_domain.activity import Minute
from rollcall_domain.alert import Alert
from rollcall_domain.errors import InvalidStudentIdError, Reason, UnreadableRecordError
from rollcall_domain.events import StudentRecordUpdate, check_student_id
from rollcall_domain.record import StudentRecord

encode = msgspec.json.Encoder().encode
"""Writes an update, or whatever is derived from updates, as the value of a record: compact JSON in UTF-8."""

decode_record = msgspec.json.Decoder(StudentRecord).decode
"""Reads a student's record."""

decode_minute = msgspec.json.Decoder(Minute).decode
"""Reads what happened in a minute."""

decode_alert = msgspec.json.Decoder(Alert).decode
"""Reads an alert."""

decode_update = msgspec.json.Decoder(StudentRecordUpdate).decode
"""Reads an update, of a StudentId that is any text; raises msgspec's errors, which `unreadable` knows."""

FAULTS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidStudentIdError)
"""What is raised where a value is no update, or one of nobody."""


def unreadable(error: Exception) -> UnreadableRecordError:
    """Say of one of these faults what is wrong with the record."""
    if isinstance(error, InvalidStudentIdError):
        return UnreadableRecordError(Reason.INVALID_STUDENT_ID, f"StudentId {error}")
    invalid = isinstance(error, msgspec.ValidationError)
    return UnreadableRecordError(Reason.NOT_AN_UPDATE if invalid else Reason.NOT_JSON, str(error))


def decode(value: bytes | None) -> StudentRecordUpdate | None:
    """Read the value of a record, tolerantly: any order and white space, unknown properties ignored.

    Args:
        value: The record's value as it came from the log.

    Returns:
        The update, or None for a null or empty value, which says nothing.

    Raises:
        UnreadableRecordError: The value is anything else.
    """
    return read_update(value) if value else None


def read_update(value: bytes) -> StudentRecordUpdate:
    """Read the value of a record on the topic Student that says something, tolerantly, as `decode` does.

    Raises:
        UnreadableRecordError: It is no update, or one of nobody.
    """
    try:
        update = decode_update(value)
        check_student_id(update.student_id)
    except FAULTS as error:
        raise unreadable(error) from error
    return update


def read_alert(value: bytes) -> Alert:
    """Read the value of a record on the topic Student.Alerts.

    Raises:
        UnreadableRecordError: It is no alert.
    """
    try:
        return decode_alert(value)
    except FAULTS as error:
        raise unreadable(error) from error
