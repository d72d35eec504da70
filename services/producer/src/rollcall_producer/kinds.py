"""Every kind of problem that a caller may be told of, by the last part of its type."""

from typing import Literal

Kind = Literal[
    # The connection
    "too-many-connections",
    "headers-too-large",
    "request-timeout",
    # The request as a whole
    "malformed-request",
    "not-found",
    "method-not-allowed",
    "invalid-header",
    "invalid-parameter",
    "unsupported-media-type",
    # Who sends it
    "missing-token",
    "ambiguous-token",
    "invalid-token",
    "expired-token",
    "insufficient-scope",
    # Its body
    "incomplete-body",
    "body-too-large",
    "malformed-body",
    "not-an-array",
    "line-too-large",
    # An update
    "not-an-object",
    "missing-property",
    "unknown-property",
    "ambiguous-property",
    "invalid-value",
    "reused-id",
    "record-too-large",
    "nothing-accepted",
    # A read
    "unknown-student",
    "behind",
    "view-unavailable",
    "log-unavailable",
    "too-many-readers",
    # This service and Kafka
    "busy",
    "rate-limited",
    "kafka-unavailable",
    "internal",
]
