"""Everything that the producer counts."""

import os

from prometheus_client import Counter, Gauge, Histogram

from rollcall_producer.errors import DeliveryError
from rollcall_producer.registry import registries
from rollcall_producer.worker import Worker

registry, shown = registries(Worker.inherited(os.environ))

updates = Counter(
    "rollcall_updates",
    "Updates that were fine, by outcome: accepted, not-written or unknown",
    ["outcome"],
    registry=registry,
)
_updates_by_outcome = {outcome: updates.labels(outcome) for outcome in ("accepted", "not-written", "unknown")}
repeats = Counter(
    "rollcall_repeats", "Updates that repeated an earlier one and were not written again", registry=registry
)
written_bytes = Counter("rollcall_written_bytes", "Bytes of batches that Kafka has acknowledged", registry=registry)
requests = Counter(
    "rollcall_requests",
    "Requests, by route, method and HTTP status, which is 0 if none was sent",
    ["route", "method", "status"],
    registry=registry,
)
problems = Counter(
    "rollcall_problems",
    "Requests answered with a problem, by HTTP status and kind",
    ["status", "kind"],
    registry=registry,
)
acknowledgement = Histogram(
    "rollcall_acknowledgement_seconds",
    "From the admission of a batch's first update to Kafka's acknowledgement",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
    registry=registry,
)
batch_records = Histogram(
    "rollcall_batch_records",
    "Records in a batch",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000),
    registry=registry,
)
in_flight = Gauge(
    "rollcall_updates_in_flight", "Updates on their way to Kafka", registry=registry, multiprocess_mode="livesum"
)
queued_bytes = Gauge(
    "rollcall_queued_bytes", "Bytes of updates on their way to Kafka", registry=registry, multiprocess_mode="livesum"
)
replacements = Counter(
    "rollcall_client_replacements", "Kafka clients that were replaced after a failed batch", registry=registry
)
connections = Gauge("rollcall_connections", "Connections that are open", registry=registry, multiprocess_mode="livesum")
unread_answers = Counter(
    "rollcall_unread_answers", "Connections that were cut because their answer was not taken", registry=registry
)
viewers = Gauge("rollcall_viewers", "Streams that are open", registry=registry, multiprocess_mode="livesum")
stream_messages = Counter("rollcall_stream_messages", "Messages that were written to streams", registry=registry)
slow_viewers = Counter(
    "rollcall_slow_viewers", "Streams that were cut because they were not read fast enough", registry=registry
)


def settled(records: int, size: int, seconds: float, outcome: DeliveryError | None) -> None:
    """Count a batch whose fate is known.

    Args:
        records: How many it has.
        size: Its bytes.
        seconds: Since its first record was admitted.
        outcome: None if Kafka has acknowledged it.
    """
    _updates_by_outcome["accepted" if outcome is None else outcome.outcome].inc(records)
    batch_records.observe(records)
    if outcome is None:
        written_bytes.inc(size)
        acknowledgement.observe(seconds)
