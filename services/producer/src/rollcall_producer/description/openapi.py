"""The API's description in OpenAPI 3.1, made from the types that serve it."""

from importlib.metadata import version
from typing import Any

from rollcall_domain.service.health import Health
from rollcall_producer import answers
from rollcall_producer.bulk import End
from rollcall_producer.description import schemas
from rollcall_producer.description.components import HEADERS, PARAMETERS, refusals
from rollcall_producer.description.documents import PAGE
from rollcall_producer.description.operation import Operation
from rollcall_producer.description.operations import EVERYWHERE, GUARDED, NOWHERE, OPERATIONS
from rollcall_producer.description.reading import READS
from rollcall_producer.problems import ProblemDetails
from rollcall_producer.reads.activity import Activity, Step
from rollcall_producer.reads.alerts import Alerts
from rollcall_producer.reads.events import Events
from rollcall_producer.reads.pipeline import Pipeline
from rollcall_producer.reads.students import Records
from rollcall_producer.update import Line, Update
from rollcall_producer.verdicts import Acceptance, Rejection, Summary

READ = (Update, Line)
SHOWN = (
    *(answers.Record, Records, answers.Event, Events, answers.Alert, Alerts),
    *(Step, Activity, Pipeline),
)
WRITTEN = (Summary, Rejection, Acceptance, End, *SHOWN, ProblemDetails, Health)

_SCHEME = "token"


def document(*, guarded: bool, reads: bool = True) -> dict[str, Any]:
    """Describe the API.

    Args:
        guarded: Whether callers need tokens.
        reads: Whether what was written is shown, by reads and on the page.
    """
    paths: dict[str, Any] = {}
    for (method, path), operation in OPERATIONS.items():
        if not reads and (method, path) in {**READS, **PAGE}:
            continue
        paths.setdefault(path, {})[method.lower()] = _describe(operation, guarded=guarded)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rollcall",
            "version": version("rollcall-producer"),
            "summary": "Students log in and out; each call becomes a record on the topic Student.",
            "description": (
                "Accepted means durable: a 2xx is sent once Kafka has acknowledged. Anything else says what is known. "
                "Errors are problem documents (RFC 9457), whose `type` tells programs what is wrong; further types may "
                "come. What takes GET takes HEAD as well."
            ),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "Updates", "description": "What is recorded."},
            {"name": "Reads", "description": "What has come of it."},
            {"name": "Operation", "description": "How the service fares."},
            {"name": "Description", "description": "What there is."},
            {"name": "Page", "description": "What people look at."},
        ],
        "paths": paths,
        "components": _components(guarded=guarded),
    }


def _describe(operation: Operation, *, guarded: bool) -> dict[str, Any]:
    needed = operation.needed if guarded else None
    kinds = [*EVERYWHERE, *operation.problems, *(() if needed is None else GUARDED)]
    responses = operation.described["responses"]
    described = {**operation.described, "responses": {**responses, **refusals(kinds)}}
    return described if needed is None else {**described, "security": [{_SCHEME: [needed.value]}]}


def _components(*, guarded: bool) -> dict[str, Any]:
    components = {
        "schemas": schemas.read(READ) | schemas.written(WRITTEN),
        "parameters": PARAMETERS,
        "headers": HEADERS,
        "responses": {kind: next(iter(refusals([kind]).values())) for kind in NOWHERE},
    }
    if guarded:
        components["securitySchemes"] = {
            _SCHEME: {
                "type": "http",
                "scheme": "bearer",
                "description": "A token made by `rollcall-producer token`, with the scope that is named, or `admin`.",
            }
        }
    return components
