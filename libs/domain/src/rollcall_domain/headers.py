"""Headers of a record on the topic Student. Each is optional: foreign producers know none of them."""

import msgspec
from msgspec import UNSET, UnsetType

ID = "id"
TRACEPARENT = "traceparent"


class RecordHeaders(msgspec.Struct):
    """Headers of a record on the topic Student, by name.

    Attributes:
        id: Identity of the event: a record with the same id as an earlier one is a repetition. Visible ASCII.
        traceparent: The W3C trace that the event belongs to.
    """

    id: str | UnsetType = UNSET
    traceparent: str | UnsetType = UNSET
