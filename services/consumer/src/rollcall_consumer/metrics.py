"""Everything that the consumer counts."""

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

registry = CollectorRegistry()
ProcessCollector(registry=registry)

records = Counter("rollcall_records", "Records that were handled", ["partition"], registry=registry)
repeats = Counter("rollcall_repeated_records", "Records that repeated an earlier one", registry=registry)
forwarded = Counter(
    "rollcall_forwarded_records", "Records that lay in another partition than they belong to", registry=registry
)
dead_letters = Counter(
    "rollcall_dead_letters", "Records that went to the dead letters, by reason", ["reason"], registry=registry
)
written = Counter("rollcall_written_records", "Records that were written, by topic", ["topic"], registry=registry)
effects = Counter(
    "rollcall_effects", "Tries of effects, by what came of them: done, failed or dead", ["outcome"], registry=registry
)
effect_seconds = Histogram(
    "rollcall_effect_seconds",
    "Seconds that a try of an effect took",
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000),
    registry=registry,
)
commits = Counter("rollcall_commits", "Transactions that were committed", registry=registry)
commit_seconds = Histogram(
    "rollcall_commit_seconds",
    "Seconds that a transaction took",
    buckets=(0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
    registry=registry,
)
