"""Headers of a record on the topic Student, by name. Each is optional: foreign producers know none of them."""

ID = "id"
"""Identity of the event: a record with the same id as an earlier one is a repetition. Visible ASCII."""

TRACEPARENT = "traceparent"
"""The W3C trace that the event belongs to."""
