"""What can be wrong with a record, a topic or a setting.

```
RollcallError              root, never raised directly
├── InvalidStudentIdError  a StudentId that no record may carry
├── UnreadableRecordError  bytes that are not a student record update
├── MisplacedError         an update that lies in another partition than its student
├── ConfigurationError     a setting that can't be used
└── TopicMismatchError     a topic that is not laid out as declared
```
"""

from enum import StrEnum


class RollcallError(Exception):
    """The root of all errors that Rollcall raises on purpose."""


class InvalidStudentIdError(RollcallError):
    """A StudentId that is empty, too long or holds control characters."""


class Reason(StrEnum):
    """Why a record could not be handled.

    The values travel in the headers of dead letters. `not-json`, `not-an-update`, `invalid-student-id`: it can't be
    read. `fold-failed`: what is derived from it can't be. `effect-failed`: it was tried as often as may be. `refused`:
    no other try would do any better. `given-up`: operators have given it up.
    """

    NOT_JSON = "not-json"
    NOT_AN_UPDATE = "not-an-update"
    INVALID_STUDENT_ID = "invalid-student-id"
    FOLD_FAILED = "fold-failed"
    EFFECT_FAILED = "effect-failed"
    REFUSED = "refused"
    GIVEN_UP = "given-up"


class UnreadableRecordError(RollcallError):
    """Bytes that are not a student record update.

    Attributes:
        reason: The kind of fault, for programs.
        detail: One sentence on this record's fault, for people.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class MisplacedError(RollcallError):
    """An update that lies in another partition than its student: its producer has another partitioner, or no key.

    Attributes:
        key: The student's key.
        partition: The index of the student's partition.
    """

    def __init__(self, key: str, partition: int) -> None:
        super().__init__(f"{key} belongs to partition {partition}")
        self.key = key
        self.partition = partition


class ConfigurationError(RollcallError):
    """A setting that can't be used.

    Attributes:
        name: The setting's name in the environment.
    """

    def __init__(self, name: str, fault: str) -> None:
        super().__init__(f"{name}: {fault}")
        self.name = name


class TopicMismatchError(RollcallError):
    """A topic whose partition count is not the declared one.

    Keys are spread by the declared count, so going on would break the order per student.

    Attributes:
        topic: The topic's full name, prefix included.
        expected: The declared number of partitions.
        found: The number of partitions that the topic has.
    """

    def __init__(self, topic: str, expected: int, found: int) -> None:
        super().__init__(
            f"topic {topic} has {found} partitions and not {expected}: set ROLLCALL_PARTITIONS={found}, "
            "or use another ROLLCALL_TOPIC_PREFIX"
        )
        self.topic = topic
        self.expected = expected
        self.found = found
