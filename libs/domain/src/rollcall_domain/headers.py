"""Headers of a record on the topic Student or an inbox. Each is optional: foreign producers know none of them."""

import msgspec
from msgspec import UNSET, UnsetType

ID = "id"
TRACEPARENT = "traceparent"
LETTER = "redrive.letter"
RETURNS = "redrive.returns"


class RecordHeaders(msgspec.Struct, rename={"redrive_letter": LETTER, "redrive_returns": RETURNS}):
    """Headers of a record on the topic Student or an inbox, by name.

    Attributes:
        id: Identity of the event: a record with the same id as an earlier one is a repetition. Visible ASCII.
        traceparent: The W3C trace that the event belongs to.
        redrive_letter: Where the dead letter lies that the record was: topic, partition and offset.
        redrive_returns: How often the record was sent back from the dead letters, in decimal digits.
    """

    id: str | UnsetType = UNSET
    traceparent: str | UnsetType = UNSET
    redrive_letter: str | UnsetType = UNSET
    redrive_returns: str | UnsetType = UNSET
