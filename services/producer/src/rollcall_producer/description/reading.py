"""What can be read, in OpenAPI's words: an entry for each route in `shown`."""

from rollcall_producer.description import examples
from rollcall_producer.description.components import Described, content, headers, lines, parameters, schema
from rollcall_producer.description.operation import JSON, NDJSON, Operation
from rollcall_producer.description.streaming import STREAM
from rollcall_producer.kinds import Kind
from rollcall_producer.reads.activity import ACTIVITY_ROUTE
from rollcall_producer.reads.alerts import ALERTS_ROUTE
from rollcall_producer.reads.events import HISTORY_ROUTE
from rollcall_producer.reads.pipeline import PIPELINE_ROUTE
from rollcall_producer.reads.student import RECORD_ROUTE
from rollcall_producer.reads.students import RECORDS_ROUTE
from rollcall_producer.stream.endpoint import STREAM_ROUTE
from rollcall_producer.tokens import Scope

_PROBLEMS: tuple[Kind, ...] = ("invalid-parameter", "view-unavailable", "too-many-connections")
_LOG: tuple[Kind, ...] = ("busy", "log-unavailable")

_SAME: Described = {
    "description": "The record is the one that the caller has.",
    "headers": headers("ETag", "X-Rollcall-Position"),
}


def _read(identity: str, summary: str, description: str, taken: list[Described], answer: Described) -> Described:
    return {
        "operationId": identity,
        "summary": summary,
        "description": description,
        "tags": ["Reads"],
        "parameters": taken,
        "responses": {"200": answer},
    }


_RECORD = _read(
    "getRecord",
    "One student's record",
    "As it is; with `after`, as it is once an update is in it; with `at`, as it was, which is folded from the log: of "
    "all updates whose time is not later than that, each id once.",
    parameters("StudentId", "after", "at", "If-None-Match"),
    {
        "description": "The record.",
        "headers": headers("ETag", "X-Rollcall-Position"),
        "content": content(JSON, schema("Record"), record=examples.RECORD),
    },
)
_RECORD["responses"]["304"] = _SAME

READS: dict[tuple[str, str], Operation] = {
    ("GET", STREAM_ROUTE): STREAM,
    ("GET", RECORDS_ROUTE): Operation(
        _read(
            "getRecords",
            "The records of many students",
            "By StudentId, or with `since` by Since and then StudentId. A student whose record does not change between "
            "pages is on exactly one of them.",
            parameters("state", "since", "prefix", "count", "limit", "cursor", "after"),
            {"description": "A page of records.", "content": content(JSON, schema("Records"), page=examples.RECORDS)},
        ),
        Scope.READ,
        (*_PROBLEMS, "behind"),
    ),
    ("GET", RECORD_ROUTE): Operation(_RECORD, Scope.READ, (*_PROBLEMS, *_LOG, "unknown-student", "behind")),
    ("GET", HISTORY_ROUTE): Operation(
        _read(
            "getHistory",
            "One student's updates, from the log",
            "In the order of time; those of one partition always in that of the log. As NDJSON, where `Accept` names "
            "it, all of them as they are found, or up to `limit`; else a page of them.",
            parameters("StudentId", "from", "to", "limit", "cursor"),
            {
                "description": "The updates, as far as the log keeps them.",
                "content": {
                    **content(JSON, schema("Events"), page=examples.EVENTS),
                    **content(NDJSON, lines(schema("Event")), lines=examples.EVENTS.events),
                },
            },
        ),
        Scope.READ,
        (*_PROBLEMS, *_LOG),
    ),
    ("GET", ACTIVITY_ROUTE): Operation(
        _read(
            "getActivity",
            "How many log in and out, step by step",
            "Of the last seven days at the most, in 2,000 steps at the most.",
            parameters("window", "step", "after"),
            {"description": "All steps.", "content": content(JSON, schema("Activity"), activity=examples.ACTIVITY)},
        ),
        Scope.READ,
        (*_PROBLEMS, "behind"),
    ),
    ("GET", ALERTS_ROUTE): Operation(
        _read(
            "getAlerts",
            "What rules have found of late",
            "The latest first.",
            parameters("window", "limit", "cursor", "after"),
            {"description": "A page of alerts.", "content": content(JSON, schema("Alerts"), page=examples.ALERTS)},
        ),
        Scope.READ,
        (*_PROBLEMS, "behind"),
    ),
    ("GET", PIPELINE_ROUTE): Operation(
        _read(
            "getPipeline",
            "How far the worker has come whose work is shown",
            "As this process has last seen it, a second ago or less.",
            [],
            {"description": "How far.", "content": content(JSON, schema("Pipeline"), pipeline=examples.PIPELINE)},
        ),
        Scope.READ,
        _PROBLEMS,
    ),
}
"""Each method of each path that reads."""
