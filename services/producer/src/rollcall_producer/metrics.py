"""Everything that the producer counts."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

registry = CollectorRegistry()
ProcessCollector(registry=registry)

updates = Counter(
    "rollcall_updates",
    "Updates that were fine, by outcome: accepted, not-written or unknown",
    ["outcome"],
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
    "From an update's admission to Kafka's acknowledgement",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
    registry=registry,
)
batch_records = Histogram(
    "rollcall_batch_records",
    "Records in a batch that was handed to Kafka",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000),
    registry=registry,
)
in_flight = Gauge("rollcall_updates_in_flight", "Updates that wait for Kafka's acknowledgement", registry=registry)
queued_bytes = Gauge("rollcall_queued_bytes", "Bytes of updates that wait for their lane", registry=registry)
replacements = Counter(
    "rollcall_client_replacements", "Kafka clients that were replaced after a failed batch", registry=registry
)
connections = Gauge("rollcall_connections", "Connections that are open", registry=registry)
unread_answers = Counter(
    "rollcall_unread_answers", "Connections that were cut because their answer was not taken", registry=registry
)
