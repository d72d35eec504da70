"""Topics as data: what there is, and how it is kept."""

from datetime import timedelta

import msgspec

PARTITIONS = 6
"""Partitions of every topic, if nothing else is said: index i of each belongs together."""


class Topic(msgspec.Struct, frozen=True):
    """A topic as it is declared.

    Attributes:
        name: The name, before an environment's prefix.
        settings: Kafka's topic configuration, by its own names.
        derived: Whether it belongs to one consumer group, which makes it from other topics.
        partitions: How many it has, where that is not as many as all others have.
        lasting: Whether it goes on when what a group derives is derived anew, and takes in what that has more.
        internal: Whether it is one pipeline's own: each has one, and none reads or writes another's.
    """

    name: str
    settings: dict[str, str]
    derived: bool = False
    partitions: int | None = None
    lasting: bool = False
    internal: bool = False


def _milliseconds(**span: float) -> str:
    return str(int(timedelta(**span).total_seconds() * 1000))


def _kept(**span: float) -> dict[str, str]:
    return {
        "cleanup.policy": "delete",
        "message.timestamp.type": "CreateTime",
        "retention.ms": _milliseconds(**span),
    }


STUDENT = Topic("Student", _kept(days=365))
"""Every update that was accepted. Key: StudentId in UTF-8, or null from foreign producers."""

DEAD_LETTER_LIMIT = 2 * 1024 * 1024
"""Bytes of a dead letter at the most: the largest record that a broker takes by default, and headers."""

DEAD_LETTERS = Topic(
    "Student.DeadLetters",
    {**_kept(days=2 * 365), "max.message.bytes": str(DEAD_LETTER_LIMIT)},
    lasting=True,
)
"""Records that could not be handled. Key and value: the original bytes; headers say why and where from."""

_COMPACTION = {
    # Whoever starts reads all of it: little of that is to be outdated.
    "min.cleanable.dirty.ratio": "0.2",
    "segment.bytes": str(64 * 1024 * 1024),
    "segment.ms": _milliseconds(hours=6),
    "delete.retention.ms": _milliseconds(days=1),
}

INBOX = Topic("Student.Inbox", _kept(days=365), derived=True, internal=True)
"""Records for one group alone: updates that lie in another partition of Student than their student, and dead letters
that were sent back. Key: StudentId."""

STATE = Topic(
    "Student.State",
    {"cleanup.policy": "compact", "message.timestamp.type": "CreateTime", **_COMPACTION},
    derived=True,
)
"""The record of each student. Key: StudentId in UTF-8."""

ACTIVITY = Topic(
    "Student.Activity",
    {**_kept(days=8), **_COMPACTION, "cleanup.policy": "compact,delete"},
    derived=True,
)
"""What happened in each minute of the last seven days. Key: partition and minute."""

ALERTS = Topic("Student.Alerts", _kept(days=365), derived=True, lasting=True)
"""What rules have found. Key: StudentId in UTF-8."""

PARKED = Topic(
    "Student.Parked",
    {"cleanup.policy": "compact", "message.timestamp.type": "CreateTime", **_COMPACTION},
    derived=True,
    internal=True,
)
"""The records that a pipeline has failed to handle and tries again. Key: where the record lies."""

CONTROL = Topic(
    "Student.Control",
    {"cleanup.policy": "delete", "retention.ms": "-1", "message.timestamp.type": "CreateTime"},
    derived=True,
    partitions=1,
    internal=True,
)
"""What a consumer group was told by operators, from the first time on. No key."""
