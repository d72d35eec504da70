"""What can go wrong between an update that is fine and its place in the log.

```
RollcallError
└── DeliveryError            root of these, never raised directly
    ├── NotWrittenError      surely not in the log
    └── OutcomeUnknownError  perhaps in the log
```
"""

from typing import ClassVar

from rollcall_domain.errors import RollcallError


class DeliveryError(RollcallError):
    """An update that Kafka has not acknowledged.

    Attributes:
        outcome: What is known of it, for programs.
    """

    outcome: ClassVar[str]


class NotWrittenError(DeliveryError):
    """The update is not in the log and never will be."""

    outcome = "not-written"


class OutcomeUnknownError(DeliveryError):
    """The update was on its way: it is in the log, will be, or never will."""

    outcome = "unknown"
