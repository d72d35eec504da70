"""What a caller says of a student, as the API takes it."""

from datetime import datetime
from time import time
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from rollcall_domain.events import STUDENT_ID_LIMIT, STUDENT_ID_SCHEMA
from rollcall_producer.problems import invalid

AHEAD = 600.0
"""Seconds that an update's time may lie ahead of ours: clocks differ, and Kafka itself refuses more than an hour."""


StateName = Literal["LoggedIn", "LoggedOut"]

Time = Annotated[datetime, Meta(tz=True)]
"""A time with an offset from UTC, in RFC 3339."""


class Update(msgspec.Struct, forbid_unknown_fields=True, gc=False, rename="pascal"):
    """What a request says of a student.

    Attributes:
        student_id: Who: 1 to 256 bytes of UTF-8 without control characters.
        state: The state from now on.
        at: When it happened, if not now.
    """

    student_id: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=STUDENT_ID_LIMIT,
            description=f"Who. At most {STUDENT_ID_LIMIT} bytes of UTF-8, without control characters.",
            examples=["s-1"],
            extra_json_schema=STUDENT_ID_SCHEMA,
        ),
    ]
    state: Annotated[StateName, Meta(description="The state from now on.")]
    at: Annotated[
        Time | None,
        Meta(
            description="When it happened, with an offset from UTC; the record's timestamp. Now, if not given. "
            f"Not before 1970, nor more than {AHEAD / 60:.0f} minutes ahead.",
            examples=["2026-11-23T08:00:00Z"],
        ),
    ] = None

    def timestamp(self) -> int:
        """Give the time of the update as a record has it.

        Returns:
            Milliseconds since 1970, UTC.

        Raises:
            Problem: It lies before 1970 or ahead of now.
        """
        if self.at is None:
            return int(time() * 1000)
        seconds = self.at.timestamp()
        if seconds < 0:
            raise invalid("At lies before 1970", "At")
        if seconds > time() + AHEAD:
            raise invalid("At lies in the future", "At")
        return int(seconds * 1000)


ID_LIMIT = 128
"""The longest id of a record, in characters."""

ID_PATTERN = rf"^[!-~]{{1,{ID_LIMIT}}}\Z"
"""An id of a record: visible ASCII."""


class Line(Update):
    """An update among many.

    Attributes:
        id: What tells a repetition of this update from a further one.
    """

    id: Annotated[
        Annotated[str, Meta(pattern=ID_PATTERN)] | None,
        Meta(description="Tells a repetition of this update from a further one, as Idempotency-Key does for a PUT."),
    ] = None
