"""An alert: what a rule has found to be out of the ordinary."""

from hashlib import blake2b

import msgspec

ID_BYTES = 16


class Alert(msgspec.Struct, frozen=True, rename="pascal"):
    """What a rule has found.

    Attributes:
        id: Made from rule, student and cause: whoever finds the same again gives it the same id. 32 hexadecimal digits.
        rule: The rule's name.
        student_id: Whom it is about.
        at: When it came to that, in milliseconds since 1970, UTC.
        cause: The id of the update that was one too many; or, of something that has not happened, since when.
        detail: What was found, for people.
    """

    id: str
    rule: str
    student_id: str
    at: int
    cause: str
    detail: str


def alert(rule: str, student_id: str, at: int, cause: str, detail: str) -> Alert:
    """Make an alert; see `Alert` for what its arguments are."""
    told = f"{rule}\0{student_id}\0{cause}"  # no StudentId and no id holds control characters
    return Alert(blake2b(told.encode(), digest_size=ID_BYTES).hexdigest(), rule, student_id, at, cause, detail)
