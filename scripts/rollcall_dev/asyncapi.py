"""The topics in AsyncAPI 3.0, made from the types of the records on them."""

from importlib.metadata import version
from typing import Any

import msgspec

from rollcall_consumer.runtime.deadletters import DeadLetterHeaders
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain import codec
from rollcall_domain.errors import Unreadable
from rollcall_domain.events import STUDENT_ID_SCHEMA, State, StudentRecordUpdate
from rollcall_domain.headers import RecordHeaders
from rollcall_domain.topics import DEAD_LETTERS, PARTITIONS, STUDENT, Topic
from rollcall_producer.description import schemas

Part = dict[str, Any]

_BINDING = {"bindingVersion": "0.5.0"}
_EXAMPLE = StudentRecordUpdate("s-1", State.LoggedIn)
_REFUSED = b'{"StudentId":"s-1"}'


def document() -> Part:
    """Describe the topics."""
    group = next(field.default for field in msgspec.structs.fields(ConsumerSettings) if field.name == "group")
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Rollcall's topics",
            "version": version("rollcall-domain"),
            "description": (
                "Students log in and out, and each time is a record on the topic Student. An environment may put a "
                "prefix before the names of all topics and groups. Index i of each topic belongs together."
            ),
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "student": _channel(STUDENT, "Every update that was accepted.", "update"),
            "deadLetters": _channel(DEAD_LETTERS, "Records that could not be handled.", "deadLetter"),
        },
        "operations": {
            "writeUpdate": _operation(
                "send", "student", "update", "The producer writes an update that it has accepted."
            ),
            "handleUpdate": {
                **_operation("receive", "student", "update", "Replicas of a consumer group handle updates."),
                "bindings": {"kafka": {"groupId": {"type": "string", "default": group}, **_BINDING}},
            },
            "keepDeadLetter": _operation("send", "deadLetters", "deadLetter", "A consumer keeps what it can't handle."),
        },
        "components": {
            "messages": {"update": _update(), "deadLetter": _dead_letter()},
            "schemas": {
                **schemas.written([StudentRecordUpdate, State, RecordHeaders, DeadLetterHeaders, Unreadable]),
                "StudentId": {"type": "string", "description": "UTF-8; 256 bytes at the most.", **STUDENT_ID_SCHEMA},
            },
        },
    }


def _channel(topic: Topic, description: str, message: str) -> Part:
    numbers = {name: int(value) for name, value in topic.settings.items() if value.isdigit()}
    kept = {**topic.settings, **numbers, "cleanup.policy": topic.settings["cleanup.policy"].split(",")}
    return {
        "address": topic.name,
        "description": description,
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
        "bindings": {"kafka": {"partitions": PARTITIONS, "topicConfiguration": kept, **_BINDING}},
    }


def _operation(action: str, channel: str, message: str, summary: str) -> Part:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/{channel}/messages/{message}"}],
    }


def _schema(name: str) -> Part:
    return {"$ref": schemas.REFERENCE.format(name=name)}


def _update() -> Part:
    return {
        "name": "StudentRecordUpdate",
        "title": "A student's record changes to a new state",
        "description": (
            "The record's timestamp is the time of the update, UTC. Readers take properties in any order, ignore those "
            "that they don't know, and pass by null and empty values."
        ),
        "contentType": "application/json",
        "headers": _schema("RecordHeaders"),
        "payload": _schema("StudentRecordUpdate"),
        "bindings": {
            "kafka": {
                "key": {
                    "description": "The StudentId, whose murmur2 chooses the partition; null from foreign producers.",
                    "anyOf": [_schema("StudentId"), {"type": "null"}],
                },
                **_BINDING,
            }
        },
        "examples": [{"headers": {"id": "gate-7-4711"}, "payload": msgspec.json.decode(codec.encode(_EXAMPLE))}],
    }


def _dead_letter() -> Part:
    why = DeadLetterHeaders(
        reason=Unreadable.NOT_AN_UPDATE,
        detail="Object missing required field `State`",
        group="1",
        topic=STUDENT.name,
        partition="4",
        offset="17",
        timestamp="1795456578650",
    )
    return {
        "name": "DeadLetter",
        "title": "A record that could not be handled",
        "description": "The original bytes, beside the original headers and in the original's partition.",
        "contentType": "application/octet-stream",
        "headers": _schema("DeadLetterHeaders"),
        "payload": {"type": "string", "format": "binary"},
        "bindings": {"kafka": {"key": {"description": "The original key, of any form."}, **_BINDING}},
        "examples": [{"headers": msgspec.to_builtins(why), "payload": _REFUSED.decode()}],
    }
