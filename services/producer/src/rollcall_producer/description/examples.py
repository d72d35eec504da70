"""Examples that the API's description shows: updates, and a problem of each kind."""

from http import HTTPStatus
from typing import Any

from rollcall_producer import answers
from rollcall_producer.errors import BusyError, OutcomeUnknownError, RecordTooLargeError, ReusedIdError
from rollcall_producer.kinds import Kind
from rollcall_producer.problems import Problem, invalid, later, of, unavailable, unsupported
from rollcall_producer.reads.activity import Activity, Step
from rollcall_producer.reads.alerts import Alerts
from rollcall_producer.reads.events import Events
from rollcall_producer.reads.pipeline import Pipeline
from rollcall_producer.reads.students import Records
from rollcall_producer.verdicts import Acceptance, Rejection, Summary

UPDATE: dict[str, Any] = {"StudentId": "s-1", "State": "LoggedIn"}

LINES: list[dict[str, Any]] = [
    {"StudentId": "s-1", "State": "LoggedIn", "At": "2026-11-23T08:00:00Z", "Id": "gate-7-4711"},
    {"StudentId": "s-2", "State": "LoggedOut"},
]

REJECTION = Rejection(line=3, reason="invalid-value", detail='State must be "LoggedIn" or "LoggedOut"', field="State")
RECORD = answers.Record("s-1", "LoggedIn", "2026-11-23T08:00:00.000Z", "2026-11-23T08:00:00.000Z", 3, 5400.25)
RECORDS = Records([RECORD], next="WzE3NjM4ODQ4MDAwMDAsInMtMSJd", count=240)
EVENTS = Events(
    [
        answers.Event("s-1", "LoggedIn", "2026-11-23T08:00:00.000Z", "4@17", "gate-7-4711"),
        answers.Event("s-1", "LoggedOut", "2026-11-23T12:30:00.000Z", "inbox:4@2"),
    ]
)
ALERTS = Alerts(
    [
        answers.Alert(
            "00916247becbe9fcc3c8e946a24ab03e",
            "two-places",
            "s-1",
            "2026-11-23T08:05:00.000Z",
            "gate-7-4712",
            "logged in while logged in",
        )
    ]
)
ACTIVITY = Activity(60, [Step("2026-11-23T08:00:00.000Z", 12, 0), Step("2026-11-23T08:01:00.000Z", 7, 1)])
PIPELINE = Pipeline("1", 1, 0, 0.0, "2026-11-23T08:01:07.000Z", 0.4)
ALL = Summary(accepted=2, durable_through=2)
SOME = Summary(accepted=2, rejected=1, durable_through=3, rejections=[REJECTION])
NONE = Summary(rejected=1, durable_through=3, rejections=[REJECTION])
ACCEPTANCES = [
    Acceptance(line=1, status="accepted", id="gate-7-4711"),
    Acceptance(line=2, status="accepted", id="key-2"),
]

_BAD, _UNPROCESSABLE = HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY


def _too_large(kind: Kind, detail: str) -> Problem:
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, kind, detail)


def _refused(kind: Kind, detail: str, error: str = "") -> Problem:
    status = HTTPStatus.FORBIDDEN if kind == "insufficient-scope" else HTTPStatus.UNAUTHORIZED
    headers = {"WWW-Authenticate": 'Bearer realm="rollcall"' + (f', error="{error}"' if error else "")}
    return Problem(status, kind, detail, field="Authorization", headers=headers)


PROBLEMS: dict[Kind, Problem] = {
    problem.kind: problem
    for problem in (
        unavailable("too-many-connections", "too many connections are open; nothing was read", "not-written"),
        Problem(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            "headers-too-large",
            "the request line and headers may have 32768 bytes at the most",
        ),
        Problem(HTTPStatus.REQUEST_TIMEOUT, "request-timeout", "the headers must be complete within 10 s"),
        Problem(_BAD, "malformed-request", "Invalid HTTP request received."),
        Problem(HTTPStatus.NOT_FOUND, "not-found", "there is nothing at /Record/Delete"),
        Problem(HTTPStatus.METHOD_NOT_ALLOWED, "method-not-allowed", "the method here is PUT, not POST"),
        Problem(
            _BAD,
            "invalid-header",
            "Idempotency-Key must be 1 to 128 visible ASCII characters",
            field="Idempotency-Key",
        ),
        Problem(_BAD, "invalid-parameter", "the only parameter is verdicts, which is all or rejected"),
        unsupported("the content type must be application/json, and is missing", "Content-Type"),
        _refused("missing-token", "this needs a token with the scope write, as Authorization: Bearer …"),
        Problem(_BAD, "ambiguous-token", "the header Authorization is given more than once", field="Authorization"),
        _refused("invalid-token", "the token is unknown, or was revoked", "invalid_token"),
        _refused("expired-token", "the token expired at 2026-09-01T00:00:00Z", "invalid_token"),
        _refused(
            "insufficient-scope",
            "this needs a token with the scope write, and this one has read",
            "insufficient_scope",
        ),
        Problem(_BAD, "incomplete-body", "the body ended early"),
        _too_large("body-too-large", "the body may have 65536 bytes at the most"),
        Problem(_BAD, "malformed-body", "the body is empty"),
        Problem(_UNPROCESSABLE, "not-an-array", "the body must be a JSON array"),
        _too_large("line-too-large", "the line may have 65536 bytes at the most"),
        Problem(_UNPROCESSABLE, "not-an-object", "the body must be a JSON object"),
        invalid("StudentId is missing", "StudentId", "missing-property"),
        invalid("there is no property 'Room'", "Room", "unknown-property"),
        invalid("StudentId is given in two spellings", "StudentId", "ambiguous-property"),
        invalid('State must be "LoggedIn" or "LoggedOut"', "State"),
        of(ReusedIdError("this id was given to another update before")),
        of(RecordTooLargeError("the record takes more than the 400 bytes that the topic allows")),
        Problem(_UNPROCESSABLE, "nothing-accepted", "every line was rejected", summary=NONE),
        of(BusyError(2)),
        Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            "rate-limited",
            "this client may send 100 updates a second",
            headers={"Retry-After": "1"},
        ),
        of(OutcomeUnknownError("Kafka did not acknowledge within 5 s; the update may be written, or not")),
        Problem(HTTPStatus.NOT_FOUND, "unknown-student", "nothing is known of 's-9'"),
        later("behind", "the view does not reflect 4@17 within 5 s; the worker may be behind"),
        later("view-unavailable", "the view is being built"),
        later("log-unavailable", "the log can't be read: no connection"),
        later("too-many-readers", "32 read the past already"),
        Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "an unforeseen error, which was logged"),
    )
}
"""A problem of each kind."""
