"""Each rule by which descriptions of the topics are compared, with changes that break it and changes that do not."""

import pytest

from rollcall_dev.compatibility import asyncapi
from support.changes import Case, Change, Part, check, setting

SCHEMAS = ("components", "schemas")
STUDENT = ("channels", "student")
KAFKA = (*STUDENT, "bindings", "kafka")
TOPIC = (*KAFKA, "topicConfiguration")
RECORD = (*SCHEMAS, "StudentRecordUpdate")
OTHER = {"$ref": "#/channels/deadLetters"}


def _no_dead_letters(document: Part) -> None:
    del document["channels"]["deadLetters"]
    for operation in ("keepDeadLetter", "keepEffectLetter", "noteRedriven"):
        del document["operations"][operation]


TOPICS: list[Case] = [
    ("nothing", lambda _: None, None),
    ("a new topic", setting("channels", more={"address": "More"}), None),
    ("a topic is gone", _no_dead_letters, "the channel deadLetters is gone"),
    ("a topic of another name", setting(*STUDENT, address="Pupil"), "has moved from Student to Pupil"),
    ("other words", setting(*STUDENT, description="…"), None),
    ("more partitions", setting(*KAFKA, partitions=12), "12 partitions and not 6"),
    ("kept for longer", setting(*TOPIC, **{"retention.ms": 10**12}), None),
    ("kept for less", setting(*TOPIC, **{"retention.ms": 10**6}), "retention.ms 1000000, less than"),
    ("kept for ever", setting(*TOPIC, **{"retention.ms": None}), None),
    ("compacted", setting(*TOPIC, **{"cleanup.policy": ["compact"]}), "cleanup.policy ['compact']"),
    (
        "other timestamps",
        setting(*TOPIC, **{"message.timestamp.type": "LogAppendTime"}),
        "message.timestamp.type LogAppendTime",
    ),
    ("a new operation", setting("operations", more={"action": "send", "channel": OTHER, "messages": []}), None),
    ("an operation is gone", setting("operations", handleUpdate=None), "the operation handleUpdate is gone"),
    ("an operation on another topic", setting("operations", "writeUpdate", channel=OTHER), "does something else"),
    (
        "a message is read no longer",
        setting("operations", "handleUpdate", messages=[]),
        "handleUpdate: the message update is gone",
    ),
    (
        "a message in another form",
        setting("components", "messages", "update", contentType="application/avro"),
        "is application/avro",
    ),
    ("a record says more", setting(*RECORD, "properties", Room={"type": "string"}), None),
    (
        "a record has to say more",
        setting(*RECORD, required=["StudentId", "State", "Room"]),
        "handleUpdate: the message update, payload.Room is required",
    ),
    (
        "a record may be silent",
        setting(*RECORD, required=["StudentId"]),
        "writeUpdate: the message update, payload.State is required",
    ),
    ("a record says less", setting(*RECORD, "properties", StudentId=None), "payload.StudentId is gone"),
    (
        "a record has a new state",
        setting(*SCHEMAS, "State", enum=[0, 1, 2]),
        "writeUpdate: the message update, payload.State: [2]",
    ),
    (
        "a record has one state less",
        setting(*SCHEMAS, "State", enum=[0]),
        "handleUpdate: the message update, payload.State: [1]",
    ),
    ("a new header", setting(*SCHEMAS, "RecordHeaders", "properties", school={"type": "string"}), None),
    ("a header is gone", setting(*SCHEMAS, "RecordHeaders", "properties", id=None), "headers.id is gone"),
    (
        "a new reason",
        setting(*SCHEMAS, "Reason", enum=["invalid-student-id", "late", "not-an-update", "not-json"]),
        "['late']",
    ),
    ("a key of another type", setting(*SCHEMAS, "StudentId", type="integer"), "handleUpdate: the message update, key"),
]


@pytest.mark.parametrize(("change", "breach"), [row[1:] for row in TOPICS], ids=[row[0] for row in TOPICS])
def test_notices_what_readers_and_writers_would_trip_over(change: Change, breach: str | None) -> None:
    check("asyncapi.json", asyncapi.breaches, change, breach)
