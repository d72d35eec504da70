"""What can be asked of the API, in OpenAPI's words: an entry for each method of each route."""

from prometheus_client import CONTENT_TYPE_LATEST

from rollcall_producer.bulk import End
from rollcall_producer.description import examples
from rollcall_producer.description.components import content, headers, lines, parameters, schema
from rollcall_producer.description.documents import DESCRIPTION, PAGE
from rollcall_producer.description.operation import JSON, NDJSON, Operation
from rollcall_producer.description.reading import READS
from rollcall_producer.edge import BODY_LIMIT
from rollcall_producer.form import ARRAY_LIMIT
from rollcall_producer.kinds import Kind
from rollcall_producer.lines import LINE_LIMIT
from rollcall_producer.tokens import Scope
from rollcall_producer.verdicts import SHOWN_REJECTIONS

KIB, MIB = 1024, 1024 * 1024

_UPDATE_PROBLEMS: tuple[Kind, ...] = (
    "not-an-object",
    "missing-property",
    "unknown-property",
    "ambiguous-property",
    "invalid-value",
    "reused-id",
)

REASONS: tuple[Kind, ...] = ("malformed-body", *_UPDATE_PROBLEMS, "line-too-large", "record-too-large")
"""Why a line may be rejected."""

_PUT = Operation(
    {
        "operationId": "putUpdate",
        "summary": "Record that a student has logged in or out",
        "description": (
            "Answered once the update is durable: acknowledged by all replicas in sync. The body has at most "
            f"{BODY_LIMIT // KIB} KiB, and is not compressed. `text/json` and `application/…+json` are taken as well. "
            "Property names may be in any case; of a name that is given twice the last value counts."
        ),
        "tags": ["Updates"],
        "parameters": parameters("Idempotency-Key", "traceparent"),
        "requestBody": {
            "required": True,
            "content": content(
                JSON, schema("Update"), now=examples.UPDATE, earlier={**examples.UPDATE, "At": "2026-11-23T08:00:00Z"}
            ),
        },
        "responses": {
            "200": {
                "description": "Durable. The body is empty.",
                "headers": headers("X-Rollcall-Id", "X-Rollcall-Position", "X-Rollcall-Idempotency"),
            }
        },
    },
    Scope.WRITE,
    (
        "malformed-body",
        "incomplete-body",
        "invalid-header",
        "body-too-large",
        "record-too-large",
        "unsupported-media-type",
        *_UPDATE_PROBLEMS,
        "busy",
        "rate-limited",
        "too-many-connections",
        "kafka-unavailable",
    ),
)

_POST = Operation(
    {
        "operationId": "postUpdates",
        "summary": "Record many updates",
        "description": (
            "NDJSON may be of any length, and a JSON array of at most "
            f"{ARRAY_LIMIT // MIB} MiB; a line of at most {LINE_LIMIT // KIB} KiB. Blank lines are passed by. "
            "`application/ndjson`, `application/jsonl` and `application/x-jsonlines` are taken as well. "
            f"Each line is rejected by itself, for a reason out of {', '.join(f'`{kind}`' for kind in REASONS)}, "
            "and the others are written. An upload that breaks off may be sent again "
            "from behind the line `DurableThrough`, or as a whole if its lines have ids."
        ),
        "tags": ["Updates"],
        "parameters": parameters("verdicts", "Content-Encoding", "traceparent"),
        "requestBody": {
            "required": True,
            "content": {
                **content(NDJSON, lines(schema("Line")), lines=examples.LINES),
                **content(JSON, {"type": "array", "items": schema("Line")}, array=examples.LINES),
            },
        },
        "responses": {
            "200": {
                "description": "All lines are durable.",
                "content": content(JSON, schema("Summary"), all=examples.ALL),
            },
            "207": {
                "description": (
                    "Some lines were rejected, of which the first "
                    f"{SHOWN_REJECTIONS:,} are shown; or the verdict on each line, where that was asked for."
                ),
                "content": {
                    **content(JSON, schema("Summary"), some=examples.SOME),
                    **content(
                        NDJSON,
                        lines({"anyOf": [schema("Acceptance"), schema("Rejection"), schema("End")]}),
                        verdicts=[*examples.ACCEPTANCES, examples.REJECTION, End(summary=examples.SOME)],
                    ),
                },
            },
        },
    },
    Scope.WRITE,
    (
        "malformed-body",
        "incomplete-body",
        "invalid-parameter",
        "body-too-large",
        "unsupported-media-type",
        "not-an-array",
        "nothing-accepted",
        "busy",
        "too-many-connections",
        "kafka-unavailable",
    ),
)


def _health(identity: str, summary: str, *, may_fail: bool) -> Operation:
    responses = {"200": {"description": "Yes.", "content": content(JSON, schema("Health"), yes={"status": "ok"})}}
    if may_fail:
        no = {"status": "unavailable", "reason": "shutting down"}
        responses["503"] = {"description": "No, and why.", "content": content(JSON, schema("Health"), no=no)}
    return Operation({"operationId": identity, "summary": summary, "tags": ["Operation"], "responses": responses})


OPERATIONS: dict[tuple[str, str], Operation] = {
    ("PUT", "/Record/Update"): _PUT,
    ("POST", "/Record/Updates"): _POST,
    **READS,
    ("GET", "/livez"): _health("getLiveness", "Does it live, Kafka or not?", may_fail=False),
    ("GET", "/readyz"): _health("getReadiness", "Can it take updates now?", may_fail=True),
    ("GET", "/metrics"): Operation(
        {
            "operationId": "getMetrics",
            "summary": "Metrics, for Prometheus",
            "tags": ["Operation"],
            "responses": {
                "200": {"description": "The metrics.", "content": content(CONTENT_TYPE_LATEST, {"type": "string"})}
            },
        },
        Scope.READ,
    ),
    **DESCRIPTION,
    **PAGE,
}
"""Each method of each path."""

EVERYWHERE: tuple[Kind, ...] = (
    "malformed-request",
    "request-timeout",
    "headers-too-large",
    "internal",
)
"""Problems that any request may be answered with."""

NOWHERE: tuple[Kind, ...] = ("not-found", "method-not-allowed")
"""Problems of requests that are none of the operations."""

GUARDED: tuple[Kind, ...] = ("missing-token", "ambiguous-token", "invalid-token", "expired-token", "insufficient-scope")
"""Problems of requests that need a token."""
