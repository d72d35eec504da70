"""`GET /Record/{StudentId}`: one student's record, as it is, as it is after an update, or as it was."""

from hashlib import blake2b
from http import HTTPStatus
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from rollcall_domain.partition import partition_for
from rollcall_domain.record import NOTHING, StudentRecord
from rollcall_producer import answers
from rollcall_producer.problems import SHOWN, Problem
from rollcall_producer.reads.answering import lasting
from rollcall_producer.reads.history import History
from rollcall_producer.reads.parameters import Parameters, Position
from rollcall_producer.reads.patience import Patience

RECORD_ROUTE = "/Record/{StudentId}"

POSITION = "X-Rollcall-Position"


class GetRecord:
    """The endpoint.

    Args:
        patience: Finds records, and waits for them.
        history: Reads a student's events.
        partitions: How many partitions each topic has.
    """

    def __init__(self, patience: Patience, history: History, partitions: int) -> None:
        self._patience = patience
        self._history = history
        self._partitions = partitions

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        student_id = student_of(request.scope)
        parameters = Parameters(request.scope, "after", "at")
        after, time = parameters.position("after", self._partitions), parameters.time("at")
        if time is not None:
            await self._patience.all(after)
            was = answers.of_record(known(await self._history.record_at(student_id, time), student_id))
            return lasting(request, was, f'"{blake2b(repr(was).encode(), digest_size=16).hexdigest()}"', {})
        found = await self._patience.record(student_id, after)
        record = known(None if found is None else found.record, student_id)
        assert found is not None  # noqa: S101 - its record is known
        etag = f'"{found.generation}-{record.version}-{record.inbox_version}"'
        headers = {} if record.version == NOTHING else {POSITION: str(self._position(record))}
        return lasting(request, answers.of_record(record), etag, headers)

    def _position(self, record: StudentRecord) -> Position:
        return Position(partition_for(record.student_id.encode(), self._partitions), record.version)


def student_of(scope: Scope) -> str:
    """Give the student that a request's path names, whose id may hold a slash that is written as `%2F`."""
    return unquote(scope["raw_path"].split(b"/")[2].decode("latin-1"))


def known(record: StudentRecord | None, student_id: str) -> StudentRecord:
    """Give a record that is to be there.

    Raises:
        Problem: 404, if it is not.
    """
    if record is None:
        raise Problem(HTTPStatus.NOT_FOUND, "unknown-student", f"nothing is known of {student_id[:SHOWN]!r}")
    return record
