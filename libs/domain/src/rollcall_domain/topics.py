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
    """

    name: str
    settings: dict[str, str]


def _milliseconds(**span: float) -> str:
    return str(int(timedelta(**span).total_seconds() * 1000))


STUDENT = Topic(
    "Student",
    {
        "cleanup.policy": "delete",
        "message.timestamp.type": "CreateTime",
        "retention.ms": _milliseconds(days=365),
    },
)
"""Every update that was accepted. Key: StudentId in UTF-8, or null from foreign producers."""

DEAD_LETTER_LIMIT = 2 * 1024 * 1024
"""Bytes of a dead letter at the most: the largest record that a broker takes by default, and headers."""

DEAD_LETTERS = Topic(
    "Student.DeadLetters",
    {
        "cleanup.policy": "delete",
        "max.message.bytes": str(DEAD_LETTER_LIMIT),
        "message.timestamp.type": "CreateTime",
        "retention.ms": _milliseconds(days=2 * 365),
    },
)
"""Records that could not be handled. Key and value: the original bytes; headers say why and where from."""
