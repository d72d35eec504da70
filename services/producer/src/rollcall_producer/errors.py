"""What can go wrong between an update that is fine and its place in the log, and with reads.

```
RollcallError
├── UnreadableViewError      nothing derived can be read at present
├── UnreadableLogError       nor what lies in the log
├── ReusedIdError            another update had this id
├── BusyError                no room at present
├── RecordTooLargeError      more than the topic takes
└── DeliveryError            root of these, never raised directly
    ├── NotWrittenError      surely not in the log
    │   └── BatchTooLargeError   together more than the topic takes
    └── OutcomeUnknownError  perhaps in the log
```
"""

from typing import ClassVar, Literal

from rollcall_domain.errors import RollcallError


class UnreadableViewError(RollcallError):
    """The view can't be read at present."""


class UnreadableLogError(RollcallError):
    """The log can't be read at present."""


class ReusedIdError(RollcallError):
    """An id that another update had before."""


class BusyError(RollcallError):
    """Too much is on its way already.

    Attributes:
        retry_after: Seconds until there should be room.
    """

    def __init__(self, retry_after: int, reason: str = "too many updates wait for Kafka") -> None:
        super().__init__(f"{reason}; try again in {retry_after} s")
        self.retry_after = retry_after


class RecordTooLargeError(RollcallError):
    """A record that is larger than the topic takes."""


class DeliveryError(RollcallError):
    """An update that Kafka has not acknowledged.

    Attributes:
        outcome: What is known of it, for programs.
    """

    outcome: ClassVar[Literal["not-written", "unknown"]]


class NotWrittenError(DeliveryError):
    """The update is not in the log and never will be."""

    outcome = "not-written"


class BatchTooLargeError(NotWrittenError):
    """A batch that is larger than the topic takes; its records by themselves may not be."""


class OutcomeUnknownError(DeliveryError):
    """The update was on its way: it is in the log, will be, or never will."""

    outcome = "unknown"
