"""What a request for the stream asks for."""

from collections.abc import Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import NamedTuple

from starlette.types import Scope

from rollcall_domain.errors import InvalidStudentIdError
from rollcall_domain.events import check_student_id
from rollcall_domain.place import Edge
from rollcall_producer.answers import STATE_NAMES
from rollcall_producer.problems import Problem
from rollcall_producer.reads.parameters import Parameters, fault
from rollcall_producer.stream.kinds import EVERY, KINDS
from rollcall_producer.stream.position import MalformedIdError, Position, read_id
from rollcall_producer.stream.visit import Begin
from rollcall_producer.stream.wanted import Wanted

LAST_ID = "Last-Event-ID"


class Asked(NamedTuple):
    """What is asked for.

    Attributes:
        begin: Where to begin.
        wanted: What is wanted from there on.
    """

    begin: Begin
    wanted: Wanted


def read(scope: Scope, partitions: int) -> Asked:
    """Read what a request asks for.

    Args:
        scope: The request.
        partitions: How many partitions each topic has.

    Raises:
        Problem: A parameter or the last id is at fault.
    """
    parameters = Parameters(scope, "from", "kinds", "student", "state")
    begin = parameters.place("from", datetime.now(UTC)) or Edge.LATEST
    state = parameters.state("state")
    wanted = Wanted(_kinds(parameters), _student(parameters), None if state is None else STATE_NAMES[state])
    return Asked(_last(scope["headers"], partitions) or begin, wanted)


def _kinds(parameters: Parameters) -> int:
    if not parameters.has("kinds"):
        return EVERY
    kinds = 0
    for name in parameters.text("kinds").split(","):
        if name not in KINDS:
            raise fault("kinds", f"must be some of {', '.join(KINDS)}, with commas between")
        kinds |= KINDS[name]
    return kinds


def _student(parameters: Parameters) -> str | None:
    if not parameters.has("student"):
        return None
    student = parameters.text("student")
    try:
        check_student_id(student)
    except InvalidStudentIdError as error:
        raise fault("student", str(error)) from None
    return student


def _last(headers: Iterable[tuple[bytes, bytes]], partitions: int) -> Position | None:
    given = next((value for name, value in headers if name == b"last-event-id"), b"").decode("latin-1")
    if not given:
        return None
    try:
        return read_id(given, partitions)
    except MalformedIdError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "invalid-header", f"{LAST_ID} {error}", field=LAST_ID) from None
