"""Bytes to events and back: the value of a record on the topic Student.

The form is that of the .NET programs on the same topic: `{"StudentId":"s-1","State":0}`.
"""

import msgspec

from rollcall_domain.errors import InvalidStudentIdError, Unreadable, UnreadableRecordError
from rollcall_domain.events import StudentRecordUpdate, check_student_id

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(StudentRecordUpdate)


def encode(update: StudentRecordUpdate) -> bytes:
    """Write an update as the value of a record: compact JSON in UTF-8, State as a number."""
    return _encoder.encode(update)


def decode(value: bytes | None) -> StudentRecordUpdate | None:
    """Read the value of a record, tolerantly: any order and white space, unknown properties ignored.

    Args:
        value: The record's value as it came from the log.

    Returns:
        The update, or None for a null or empty value, which says nothing.

    Raises:
        UnreadableRecordError: The value is anything else.
    """
    if not value:
        return None
    try:
        update = _decoder.decode(value)
        check_student_id(update.student_id)
    except msgspec.ValidationError as error:
        raise UnreadableRecordError(Unreadable.NOT_AN_UPDATE, str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableRecordError(Unreadable.NOT_JSON, str(error)) from error
    except InvalidStudentIdError as error:
        raise UnreadableRecordError(Unreadable.INVALID_STUDENT_ID, f"StudentId {error}") from error
    return update
