"""The stream, in OpenAPI's words."""

import msgspec

from rollcall_producer.description import examples
from rollcall_producer.description.components import Described, content, parameters, schema
from rollcall_producer.description.operation import JSON, Operation
from rollcall_producer.stream.endpoint import EVENT_STREAM
from rollcall_producer.stream.kinds import KINDS
from rollcall_producer.tokens import Scope

_MESSAGE: Described = {
    "type": "object",
    "description": "A message, field by field, as OpenAPI will have it from 3.2 on.",
    "required": ["event", "data"],
    "properties": {
        "id": {"type": "string", "description": "Sent as Last-Event-ID, it has a stream go on behind the message."},
        "event": {
            "type": "string",
            "description": "What kind it is.",
            "enum": [*KINDS, "live", "gap", "slow"],
        },
        "data": {
            "type": "string",
            "description": "JSON on one line.",
            "contentMediaType": JSON,
            "contentSchema": {"anyOf": [schema("Event"), schema("Record"), schema("Alert"), {"type": "object"}]},
        },
    },
}

_SHOWN = {
    "id": "1.4-.0.0.1.0.9.4x.0.0.1.0.9.2.0.0.0.0.0",
    "event": "event",
    "data": msgspec.json.encode(examples.EVENTS.events[0]).decode(),
}

STREAM = Operation(
    {
        "operationId": "getStream",
        "summary": "What happens, as it happens, from any place on",
        "description": (
            "Server-sent events, without end. Each message has an `id`, which holds where all partitions stand: sent "
            "as `Last-Event-ID`, it has any replica go on behind that message, with nothing missed and nothing "
            "doubled, whatever is asked for besides. `event: event` is an Event, `state` a Record, `alert` an Alert. "
            "`live` says that all of the past was sent, and the rest comes as it happens; `slow`, the last message to "
            "who does not read fast enough, and `gap`, where records are gone from the log, have a `Detail`. Messages "
            "of one partition come in the order of the log, those of the past in that of time. Every 15 s comes one "
            "with an `id` and no data, which takes those forward who want little. Further kinds may come."
        ),
        "tags": ["Reads"],
        "parameters": parameters("begin", "kinds", "student", "state", "Last-Event-ID"),
        "responses": {
            "200": {
                "description": "The messages.",
                "content": content(EVENT_STREAM, _MESSAGE, event=_SHOWN),
            }
        },
    },
    Scope.READ,
    ("invalid-parameter", "invalid-header", "too-many-readers", "too-many-connections"),
)
