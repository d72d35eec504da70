"""Properties of a JSON object to those of an update, names in any case, with an error that names what is wrong."""

import re
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, get_args

import msgspec
from msgspec.structs import FieldInfo

from rollcall_domain.errors import InvalidStudentIdError
from rollcall_domain.events import check_student_id
from rollcall_producer.problems import SHOWN, invalid
from rollcall_producer.update import ID_LIMIT, ID_PATTERN, StateName, Time, Update

U = TypeVar("U", bound=Update)


def bind(given: dict[str, Any], kind: type[U]) -> U:
    """Build an update from the properties of a JSON object.

    Raises:
        Problem: 422, for the first property that is unknown, given twice, missing or of a wrong value.
    """
    names = _names(kind)
    values: dict[str, Any] = {}
    for name, value in given.items():
        known = names.get(name.lower())
        if known is None:
            raise invalid(f"there is no property {name[:SHOWN]!r}", name[:SHOWN], "unknown-property")
        if known in values:
            raise invalid(f"{known} is given in two spellings", known, "ambiguous-property")
        values[known] = value
    fields = _fields(kind)
    for field in fields:
        if field.required and field.encode_name not in values:
            raise invalid(f"{field.encode_name} is missing", field.encode_name, "missing-property")
    read: dict[str, Any] = {field.name: _READERS[field.encode_name](values.get(field.encode_name)) for field in fields}
    return kind(**read)


@cache  # msgspec finds them out anew at each call, which takes 30 µs
def _fields(kind: type[Update]) -> tuple[FieldInfo, ...]:
    return msgspec.structs.fields(kind)


@cache
def _names(kind: type[Update]) -> dict[str, str]:
    return {field.encode_name.lower(): field.encode_name for field in _fields(kind)}


def _student_id(value: object) -> str:
    if not isinstance(value, str):
        raise invalid("StudentId must be a string", "StudentId")
    try:
        check_student_id(value)
    except InvalidStudentIdError as error:
        raise invalid(f"StudentId {error}", "StudentId") from error
    return value


def _state(value: object) -> object:
    if not isinstance(value, str) or value not in get_args(StateName):
        raise invalid('State must be "LoggedIn" or "LoggedOut"', "State")
    return value


def _at(value: object) -> datetime | None:
    try:
        return msgspec.convert(value, Time | None)
    except msgspec.ValidationError as error:
        raise invalid("At must be a time with its offset from UTC, such as 2026-11-23T08:00:00Z", "At") from error


def _id(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not re.match(ID_PATTERN, value):
        raise invalid(f"Id must be a string of 1 to {ID_LIMIT} visible ASCII characters", "Id")
    return value


_READERS: dict[str, Callable[[object], object]] = {"StudentId": _student_id, "State": _state, "At": _at, "Id": _id}
