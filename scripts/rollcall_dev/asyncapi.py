"""The topics in AsyncAPI 3.0, made from the types of the records on them."""

from importlib.metadata import version
from typing import Any

import msgspec

from rollcall_consumer.runtime.deadletters import DeadLetterHeaders
from rollcall_consumer.runtime.effects.parking import Parked
from rollcall_consumer.runtime.letters import REDRIVEN, RedrivenHeaders
from rollcall_domain import codec, control
from rollcall_domain.activity import Minute
from rollcall_domain.alert import Alert, alert
from rollcall_domain.control import GiveUp, Order, Release, SetGeneration, SetRate, Step
from rollcall_domain.errors import Reason
from rollcall_domain.events import STUDENT_ID_SCHEMA, State, StudentRecordUpdate
from rollcall_domain.generation import GROUP, Generation
from rollcall_domain.headers import RecordHeaders
from rollcall_domain.record import StudentRecord
from rollcall_domain.topics import (
    ACTIVITY,
    ALERTS,
    CONTROL,
    DEAD_LETTERS,
    INBOX,
    PARKED,
    PARTITIONS,
    STATE,
    STUDENT,
    Topic,
)
from rollcall_producer.description import schemas

Part = dict[str, Any]

_BINDING = {"bindingVersion": "0.5.0"}
_EXAMPLE = StudentRecordUpdate("s-1", State.LoggedIn)
_WRITTEN = [
    StudentRecordUpdate,
    State,
    RecordHeaders,
    DeadLetterHeaders,
    RedrivenHeaders,
    Reason,
    StudentRecord,
    Minute,
    Alert,
    SetRate,
    SetGeneration,
    Step,
    Release,
    GiveUp,
    Parked,
]
_FOLDED = [Reason.NOT_JSON, Reason.NOT_AN_UPDATE, Reason.INVALID_STUDENT_ID, Reason.FOLD_FAILED]
"""Why an update is a dead letter."""

_STUDENT_KEY = "StudentId in UTF-8."
_MORNING = 1_795_456_578_650
_RECORD = StudentRecord("s-1", State.LoggedIn, _MORNING, _MORNING, 3, 24_840_000, 17, recent=(_MORNING,))
_MINUTE = Minute(4, 1_795_456_560_000, 5, 1)
_ALERT = alert("two-places", "s-1", _MORNING, "gate-7-4711", "logged in while logged in")
_REFUSED = b'{"StudentId":"s-1"}'


def document() -> Part:
    """Describe the topics."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Rollcall's topics",
            "version": version("rollcall-domain"),
            "description": (
                "Students log in and out, and each time is a record on the topic Student. An environment may put a "
                "prefix before the names of all topics and groups. Index i of each topic belongs together. "
                "Student.Inbox, .State, .Activity, .Alerts and .Control belong to a consumer group; those of another "
                "group than the default one have its name and a dot before their own. What is derived anew is on "
                "topics with .gen2 and so on behind their names, but for .Alerts and .Control; the order "
                "set-generation with the step switch says when these are to be read. A pipeline that reacts to what "
                "a group derives is a group of its own, as 1.notify: its .Inbox, .Parked and .Control have that name "
                "before their own, and its inbox has records as they are on the topic that it reads."
            ),
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "student": _channel(STUDENT, "Every update that was accepted.", "update"),
            "inbox": _channel(INBOX, "Updates for the worker alone, sent on to their student's partition.", "update"),
            "state": _channel(STATE, "The record of each student.", "record"),
            "activity": _channel(ACTIVITY, "What happened in each minute of the last seven days.", "minute"),
            "alerts": _channel(ALERTS, "What is out of the ordinary.", "alert"),
            "deadLetters": _channel(
                DEAD_LETTERS,
                "Records that could not be handled, and notes of those that were sent back.",
                "deadLetter",
                "effectLetter",
                "redriven",
            ),
            "parked": {
                **_channel(PARKED, "Records that a pipeline has failed to handle and tries again.", "parked"),
                "address": Generation("", pipeline="notify").topic_name(PARKED),
            },
            "control": _channel(CONTROL, "What operators tell a consumer group.", "order"),
        },
        "operations": _operations(),
        "components": {
            "messages": {
                "update": _update(),
                "record": _derived(_RECORD, "StudentRecord", "The record of a student", _STUDENT_KEY),
                "minute": _derived(
                    _MINUTE, "Minute", "A minute of a partition", "Partition and beginning, with a dash between."
                ),
                "alert": _derived(_ALERT, "Alert", "Something out of the ordinary", _STUDENT_KEY),
                "deadLetter": _dead_letter(Reason.NOT_AN_UPDATE, "Object missing required field `State`", "1", STUDENT),
                "effectLetter": {
                    **_dead_letter(
                        Reason.REFUSED, "PermanentError: https://hooks.example answers 404", "1.notify", ALERTS
                    ),
                    "name": "EffectLetter",
                    "title": "A record upon which a pipeline could not act",
                    "headers": _schema("EffectLetterHeaders"),
                },
                "parked": _parked(),
                "redriven": _redriven(),
                "order": _order(),
            },
            "schemas": {
                **_letters(schemas.written(_WRITTEN)),
                "StudentId": {"type": "string", "description": "UTF-8; 256 bytes at the most.", **STUDENT_ID_SCHEMA},
            },
        },
    }


def _operations() -> Part:
    return {
        "writeUpdate": _operation("send", "student", "update", "The producer writes an update that it has accepted."),
        "handleUpdate": {
            **_operation("receive", "student", "update", "Replicas of a consumer group handle updates."),
            "bindings": {"kafka": {"groupId": {"type": "string", "default": GROUP}, **_BINDING}},
        },
        "forwardUpdate": _operation("send", "inbox", "update", "A consumer sends an update to where it belongs."),
        "handleForwarded": _operation("receive", "inbox", "update", "And handles it there."),
        "keepRecord": _operation("send", "state", "record", "A consumer keeps a record that has changed."),
        "keepMinute": _operation("send", "activity", "minute", "A consumer keeps a minute that has changed."),
        "raiseAlert": _operation("send", "alerts", "alert", "A consumer raises an alert."),
        "keepDeadLetter": _operation("send", "deadLetters", "deadLetter", "A consumer keeps what it can't handle."),
        "keepEffectLetter": _operation("send", "deadLetters", "effectLetter", "Or what it can't act upon."),
        "noteParked": _operation("send", "parked", "parked", "A consumer notes what has failed and is tried again."),
        "noteRedriven": _operation("send", "deadLetters", "redriven", "The command redrive has sent a letter back."),
        "giveOrder": _operation("send", "control", "order", "Operators tell a group what to do."),
        "followOrder": _operation("receive", "control", "order", "And all of its replicas do it."),
    }


def _channel(topic: Topic, description: str, *messages: str) -> Part:
    numbers = {name: int(value) for name, value in topic.settings.items() if value.lstrip("-").isdigit()}
    kept = {**topic.settings, **numbers, "cleanup.policy": topic.settings["cleanup.policy"].split(",")}
    return {
        "address": topic.name,
        "description": description,
        "messages": {message: {"$ref": f"#/components/messages/{message}"} for message in messages},
        "bindings": {"kafka": {"partitions": topic.partitions or PARTITIONS, "topicConfiguration": kept, **_BINDING}},
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


def _derived(example: StudentRecord | Minute | Alert, name: str, title: str, key: str) -> Part:
    return {
        "name": name,
        "title": title,
        "description": "Written by a transaction, together with all else that comes of the same updates.",
        "contentType": "application/json",
        "payload": _schema(name),
        "bindings": {"kafka": {"key": {"type": "string", "description": key}, **_BINDING}},
        "examples": [{"payload": msgspec.json.decode(codec.encode(example))}],
    }


def _letters(written: dict[str, Part]) -> dict[str, Part]:
    """Tell the headers of a dead letter of an update from those of others, which have more reasons."""
    letter = written["DeadLetterHeaders"]
    reason = {"type": "string", "enum": sorted(_FOLDED), "description": "What is wrong with the record, for programs."}
    folded = {**letter, "properties": {**letter["properties"], "dead-letter.reason": reason}}
    return {**written, "DeadLetterHeaders": folded, "EffectLetterHeaders": {**letter, "title": "EffectLetterHeaders"}}


def _parked() -> Part:
    parked = Parked(ALERTS.name, 4, 17, "s-1", 3, _MORNING, "SlowError: it has taken longer than 15 s", _MORNING + 4711)
    return {
        "name": "Parked",
        "title": "A record that has failed and is tried again",
        "description": "Written by a transaction, together with how far the pipeline has come; null once it is done.",
        "contentType": "application/json",
        "payload": {"anyOf": [_schema("Parked"), {"type": "null"}]},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": "Where it lies: topic, partition and offset, as in T-4@17."},
                **_BINDING,
            }
        },
        "examples": [{"payload": msgspec.to_builtins(parked)}],
    }


def _dead_letter(reason: Reason, detail: str, group: str, topic: Topic) -> Part:
    why = DeadLetterHeaders(
        reason=reason,
        detail=detail,
        group=group,
        topic=topic.name,
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


def _redriven() -> Part:
    return {
        "name": "Redriven",
        "title": "A note that a dead letter was sent back",
        "description": "Written by the same transaction, to the letter's partition, with its key and time.",
        "contentType": "application/octet-stream",
        "headers": _schema("RedrivenHeaders"),
        "payload": {"type": "null"},
        "bindings": {"kafka": {"key": {"description": "The letter's key."}, **_BINDING}},
        "examples": [{"headers": {REDRIVEN: "17"}, "payload": None}],
    }


def _order() -> Part:
    place = f"{ALERTS.name}-4@17"
    examples: list[Order] = [
        SetRate(500),
        SetGeneration(2, Step.SWITCH, {"Student.State": [4711, 4800, 4655]}),
        Release(place, 3),
        GiveUp(place),
    ]
    return {
        "name": "Order",
        "title": "What a consumer group is to do",
        "description": "Replicas take orders one after the other, from the first one on, and pass over unknown ones.",
        "contentType": "application/json",
        "payload": {"oneOf": [_schema(kind.__name__) for kind in (SetRate, SetGeneration, Release, GiveUp)]},
        "bindings": {"kafka": {"key": {"type": "null", "description": "None."}, **_BINDING}},
        "examples": [{"payload": msgspec.json.decode(control.encode(order))} for order in examples],
    }
