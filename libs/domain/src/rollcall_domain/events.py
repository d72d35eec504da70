"""The event that everything starts from: a student has logged in or out."""

from enum import IntEnum
from typing import Annotated, Any
from unicodedata import category

import msgspec
from msgspec import Meta

from rollcall_domain.errors import InvalidStudentIdError

STUDENT_ID_LIMIT = 256
"""The longest StudentId, in bytes of UTF-8."""

STUDENT_ID_SCHEMA: dict[str, Any] = {
    "minLength": 1,
    "maxLength": STUDENT_ID_LIMIT,
    "pattern": r"^[^\x00-\x1f\x7f-\x9f]*$",
}
"""What JSON Schema can say of a StudentId. It counts characters and not bytes."""

_WIDEST_CHARACTER = 4
"""Bytes that UTF-8 spends on one character at the most."""


class State(IntEnum):
    """Whether a student is in. Names are the words of the API, values those of the wire."""

    LoggedIn = 0
    LoggedOut = 1


class StudentRecordUpdate(msgspec.Struct, frozen=True, gc=False, rename="pascal"):
    """A student's record changes to a new state.

    Attributes:
        student_id: Who: 1 to 256 bytes of UTF-8 without control characters.
        state: The state from now on: 0 for LoggedIn, 1 for LoggedOut.
    """

    student_id: Annotated[str, Meta(extra_json_schema=STUDENT_ID_SCHEMA)]  # for readers; see check_student_id
    state: State


def check_student_id(student_id: str) -> None:
    """Make sure that a StudentId may be carried by a record.

    Args:
        student_id: 1 to 256 bytes of UTF-8, none of them part of a control character.

    Raises:
        InvalidStudentIdError: It is empty, longer, or holds control characters.
    """
    if student_id.isprintable() and 0 < len(student_id) <= STUDENT_ID_LIMIT // _WIDEST_CHARACTER:
        return
    if not student_id:
        raise InvalidStudentIdError("is empty")
    size = len(student_id.encode())
    if size > STUDENT_ID_LIMIT:
        raise InvalidStudentIdError(f"takes {size} bytes of UTF-8, of {STUDENT_ID_LIMIT} at the most")
    if any(category(character) == "Cc" for character in student_id):
        raise InvalidStudentIdError("holds a control character")
