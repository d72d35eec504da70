"""The event that everything starts from: a student has logged in or out."""

from enum import IntEnum
from unicodedata import category

import msgspec

from rollcall_domain.errors import InvalidStudentIdError

STUDENT_ID_LIMIT = 256
"""The longest StudentId, in bytes of UTF-8."""

_WIDEST_CHARACTER = 4
"""Bytes that UTF-8 spends on one character at the most."""


class State(IntEnum):
    """Whether a student is in. Names are the words of the API, values those of the wire."""

    LoggedIn = 0
    LoggedOut = 1


class StudentRecordUpdate(msgspec.Struct, frozen=True, gc=False, rename="pascal"):
    """A student's record changes to a new state.

    Attributes:
        student_id: Who; see `check_student_id`.
        state: The state from now on.
    """

    student_id: str
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
