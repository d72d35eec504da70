"""One update: the edge that reads it, and the codec that writes it and reads it back."""

import json
from http import HTTPStatus

import jsonschema_rs
import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from rollcall_dev import asyncapi
from rollcall_domain import codec
from rollcall_domain.errors import InvalidStudentIdError, UnreadableRecordError
from rollcall_domain.events import State, StudentRecordUpdate, check_student_id
from rollcall_producer.description import openapi
from rollcall_producer.edge import parse_update
from rollcall_producer.problems import Problem
from rollcall_producer.update import Update
from support import inputs
from support.inputs import Json

API = openapi.document(guarded=False)
TOPICS = asyncapi.document()
UPDATE = jsonschema_rs.Draft202012Validator({"$ref": "#/components/schemas/Update", **API}, validate_formats=True)
RECORD = jsonschema_rs.Draft202012Validator({"$ref": "#/components/schemas/StudentRecordUpdate", **TOPICS})


def _parsed(body: bytes) -> Update | Problem:
    """Read an update as a request's is read, up to the check of its StudentId."""
    try:
        update = parse_update(body)
        check_student_id(update.student_id)
    except Problem as problem:
        return problem
    except InvalidStudentIdError as error:
        return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-value", str(error), field="StudentId")
    return update


@given(inputs.jsons)
def test_whatever_is_taken_can_be_read_back_and_all_else_is_a_problem(body: bytes) -> None:
    result = _parsed(body)
    if isinstance(result, Problem):
        assert result.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)
        assert result.status != HTTPStatus.BAD_REQUEST or not _is_json(body)
        assert msgspec.json.decode(result.response().body)["detail"] == result.detail
    else:
        record = StudentRecordUpdate(result.student_id, State[result.state])
        assert codec.decode(codec.encode(record)) == record
        RECORD.validate(json.loads(codec.encode(record)))
        assert _fault_of_time(result) in (None, "At")


def _fault_of_time(update: Update) -> str | None:
    try:
        assert update.timestamp() >= 0
    except Problem as problem:
        return problem.field
    return None


def _is_json(body: bytes) -> bool:
    """Whether somebody else can read it as JSON, in UTF-8 and not nested too deeply."""
    try:
        body.decode().encode()
        value = json.loads(body, parse_constant=_no_json, parse_int=float)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    return True


def _no_json(word: str) -> None:
    raise ValueError(word)


@given(inputs.objects())
def test_names_in_any_case_are_the_same_names(update: dict[str, Json]) -> None:
    names = {name.lower(): value for name, value in update.items()}
    lower, canonical = (_parsed(json.dumps(spelled).encode()) for spelled in (names, update))
    if isinstance(lower, Problem) and isinstance(canonical, Problem):
        assert (lower.status, lower.kind) == (canonical.status, canonical.kind)
        assert (lower.field or "").lower() == (canonical.field or "").lower()
    else:
        assert lower == canonical


@given(inputs.objects())
def test_what_the_schema_admits_is_taken_and_nothing_else(update: dict[str, Json]) -> None:
    student_id = update.get("StudentId")
    assume(not isinstance(student_id, str) or len(student_id.encode()) <= 256)  # schemas count characters
    taken = isinstance(_parsed(json.dumps(update).encode()), Update)
    assert UPDATE.is_valid(update) == taken


@given(inputs.jsons)
def test_a_record_is_read_or_the_reason_is_told(value: bytes) -> None:
    read = _read(value)
    if isinstance(read, StudentRecordUpdate):
        assert codec.decode(codec.encode(read)) == read
    else:
        assert bool(read) == bool(value)
        assert not read or read.encode()


def _read(value: bytes) -> StudentRecordUpdate | str | None:
    """Read a record, or the reason why it can't be read."""
    try:
        return codec.decode(value)
    except UnreadableRecordError as error:
        return error.detail


@given(inputs.objects(), st.integers(-1, 2) | inputs.values)
def test_records_that_the_schema_admits_are_read_and_no_others(update: dict[str, Json], state: Json) -> None:
    record = {**update, "State": state} if "State" in update else update
    student_id = record.get("StudentId")
    assume(not isinstance(student_id, str) or len(student_id.encode()) <= 256)  # schemas count characters
    assume(not isinstance(record.get("State"), float))  # to a schema 0.0 is 0
    assert RECORD.is_valid(record) == isinstance(_read(json.dumps(record).encode()), StudentRecordUpdate)
