"""Parts of the API's description in OpenAPI's words that its operations share."""

from collections.abc import Iterable
from http import HTTPStatus
from itertools import groupby
from typing import Any

import msgspec

from rollcall_domain.events import STUDENT_ID_SCHEMA, State
from rollcall_producer import problems
from rollcall_producer.description import examples
from rollcall_producer.kinds import Kind
from rollcall_producer.reads.parameters import LIMIT, MOST
from rollcall_producer.repeats import REMEMBERED
from rollcall_producer.stream.asked import LAST_ID
from rollcall_producer.stream.kinds import KINDS
from rollcall_producer.update import ID_LIMIT

Described = dict[str, Any]
"""A part of an OpenAPI document."""

_POSITION = r"^[0-9]{1,5}@[0-9]{1,18}$"

_TIME: Described = {
    "anyOf": [
        {"type": "string", "enum": ["beginning", "latest"]},
        {"type": "string", "pattern": "^-[0-9]{1,5}[smhd]$"},
        {"type": "string", "format": "date-time"},
    ],
    "examples": ["-30m", "2026-11-23T08:00:00Z"],
}
"""A place in time."""

_KINDS = f"^({'|'.join(KINDS)})(,({'|'.join(KINDS)}))*$"

_SPAN: Described = {"type": "string", "pattern": "^[0-9]{1,9}[smhd]$"}
"""A span of time."""


def _query(name: str, description: str, described: Described) -> Described:
    return {"name": name, "in": "query", "description": description, "schema": described}


HEADERS: dict[str, Described] = {
    "X-Rollcall-Id": {
        "description": "The record's id: the Idempotency-Key, or else one that was made for it.",
        "required": True,
        "schema": {"type": "string", "examples": ["0199f0c2a5e1c0ffee0123000000000000"]},
    },
    "X-Rollcall-Position": {
        "description": (
            "Where the update lies in the topic Student, partition and offset: with it as `after`, a read waits until "
            "it is reflected. Of a record, the last update that is in it. Missing where it is not known."
        ),
        "schema": {"type": "string", "pattern": _POSITION, "examples": ["4@17"]},
    },
    "X-Rollcall-Idempotency": {
        "description": "With an Idempotency-Key: whether this update was written, or repeats one that was.",
        "schema": {"type": "string", "enum": ["downstream", "replayed"]},
    },
    "Retry-After": {
        "description": "Seconds after which to try again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1, "examples": [1]},
    },
    "WWW-Authenticate": {
        "description": "The challenge of RFC 6750.",
        "required": True,
        "schema": {"type": "string", "examples": ['Bearer realm="rollcall"']},
    },
    "ETag": {
        "description": "Changes with the document; send it as If-None-Match.",
        "required": True,
        "schema": {"type": "string"},
    },
}
"""Headers of answers."""

PARAMETERS: dict[str, Described] = {
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": (
            f"The update's id, 1 to {ID_LIMIT} visible ASCII characters. A further request with the same key and "
            "update is answered as the first was, and written once; with another update it is refused. The newest "
            f"{REMEMBERED:,} keys are remembered, for as long as the service runs."
        ),
        "schema": {"type": "string", "pattern": f"^[!-~]{{1,{ID_LIMIT}}}$", "examples": ["gate-7-4711"]},
    },
    "traceparent": {
        "name": "traceparent",
        "in": "header",
        "description": "The W3C trace, which travels on with the record. One of another form is ignored.",
        "schema": {"type": "string", "examples": ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"]},
    },
    "Content-Encoding": {
        "name": "Content-Encoding",
        "in": "header",
        "description": "How the body is compressed: at most 1 GiB when inflated, zstd with a window of at most 8 MiB.",
        "schema": {"type": "string", "enum": ["gzip", "identity", "zstd"], "default": "identity"},
    },
    "verdicts": {
        "name": "verdicts",
        "in": "query",
        "description": (
            "`all` has the verdict on each line sent, as NDJSON and while the body still comes in: "
            "whoever asks for that reads while sending."
        ),
        "schema": {"type": "string", "enum": ["all", "rejected"], "default": "rejected"},
    },
    "file": {
        "name": "name",
        "in": "path",
        "required": True,
        "description": "The file's name.",
        "schema": {"type": "string", "examples": ["main.js"]},
    },
    "If-None-Match": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The ETag of the document that the caller has.",
        "schema": {"type": "string"},
    },
    LAST_ID: {
        "name": LAST_ID,
        "in": "header",
        "description": "The id of the last message that the caller has; goes before `from`. Browsers send it.",
        "schema": {"type": "string"},
    },
    "StudentId": {
        "name": "StudentId",
        "in": "path",
        "required": True,
        "description": "Who. A slash within is written as `%2F`.",
        "schema": {"type": "string", "minLength": 1, "examples": ["s-1"]},
    },
    "state": _query("state", "Of students in this state alone.", {"type": "string", "enum": [*State.__members__]}),
    "since": _query("since", "Of those alone whose state began at that time or later.", _TIME),
    "prefix": _query("prefix", "Of those alone whose StudentId begins like this.", {"type": "string"}),
    "count": _query(
        "count",
        "Whether to count how many there are on all pages, which takes longer.",
        {"type": "string", "enum": ["true", "false"], "default": "false"},
    ),
    "limit": _query(
        "limit", "How many at the most.", {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT}
    ),
    "cursor": _query("cursor", "What `Next` of the page before has said; all else as it was.", {"type": "string"}),
    "after": _query(
        "after",
        "A position, as `X-Rollcall-Position` has it: the answer waits until what has come of that update is in it.",
        {"type": "string", "pattern": _POSITION, "examples": ["4@17"]},
    ),
    "at": _query("at", "The record as it was then.", _TIME),
    "from": _query("from", "Updates of that time or later.", _TIME),
    "to": _query("to", "Updates of that time or earlier.", _TIME),
    "begin": _query("from", "Where to begin.", {**_TIME, "default": "latest"}),
    "kinds": _query(
        "kinds",
        f"Which kinds of messages: {', '.join(KINDS)}, with commas between.",
        {"type": "string", "pattern": _KINDS, "default": ",".join(KINDS), "examples": ["event,alert"]},
    ),
    "student": _query("student", "Messages about this student alone.", {"type": "string", **STUDENT_ID_SCHEMA}),
    "window": _query("window", "How far back, by default 30m of activity and 10m of alerts.", _SPAN),
    "step": _query("step", "How long each step is, in whole minutes.", {**_SPAN, "default": "1m"}),
}
"""Parameters, by name."""


def _refer(kind: str, name: str) -> Described:
    return {"$ref": f"#/components/{kind}/{name}"}


def schema(name: str) -> Described:
    """Refer to a schema."""
    return _refer("schemas", name)


def parameters(*names: str) -> list[Described]:
    """Refer to parameters."""
    return [_refer("parameters", name) for name in names]


def headers(*names: str) -> dict[str, Described]:
    """Refer to headers of an answer."""
    return {name: _refer("headers", name) for name in names}


def content(media_type: str, described: Described, **shown: object) -> dict[str, Described]:
    """Describe a body, with examples by their names."""
    values = {name.replace("_", " "): {"value": msgspec.to_builtins(value)} for name, value in shown.items()}
    return {media_type: {"schema": described, **({"examples": values} if values else {})}}


def lines(described: Described) -> Described:
    """Describe NDJSON, as OpenAPI will have it from 3.2 on: as if the lines were the items of an array."""
    return {"type": "array", "items": described, "description": "An object a line."}


_MEANINGS = {
    HTTPStatus.BAD_REQUEST: "The request can't be read.",
    HTTPStatus.UNAUTHORIZED: "There is no token that is in force.",
    HTTPStatus.FORBIDDEN: "The token lacks the scope.",
    HTTPStatus.NOT_FOUND: "There is no such path, or nothing is known of the student.",
    HTTPStatus.METHOD_NOT_ALLOWED: "The path has no such method; `Allow` lists those that it has.",
    HTTPStatus.REQUEST_TIMEOUT: "The request came too slowly.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is of a type, charset or encoding that is not taken.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "It can be read, and is not what is asked for.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too much waits for Kafka already, or comes from this client; nothing was written.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "Request line and headers are too large.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "A fault of this service.",
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "Kafka has not acknowledged in time, what is read is not there yet, or too many connections are open; "
        "`outcome` tells what is known of an update."
    ),
}


def refusals(kinds: Iterable[Kind]) -> dict[str, Described]:
    """Describe answers with problems, by status."""
    chosen = sorted((examples.PROBLEMS[kind] for kind in kinds), key=lambda problem: problem.status)
    return {
        str(status.value): _refusal(status, list(alike))
        for status, alike in groupby(chosen, key=lambda problem: problem.status)
    }


def _refusal(status: HTTPStatus, alike: list[problems.Problem]) -> Described:
    shown = {problem.kind: {"value": msgspec.to_builtins(problem.document())} for problem in alike}
    named = {name for problem in alike for name in problem.headers if name in HEADERS}
    return {
        "description": _MEANINGS[status],
        **({"headers": headers(*sorted(named))} if named else {}),
        "content": {problems.MEDIA_TYPE: {"schema": schema("ProblemDetails"), "examples": shown}},
    }
