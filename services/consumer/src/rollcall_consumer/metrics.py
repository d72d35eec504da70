"""Everything that the consumer counts."""

from prometheus_client import CollectorRegistry, Counter, ProcessCollector

registry = CollectorRegistry()
ProcessCollector(registry=registry)

records = Counter("rollcall_records", "Records that were handled", ["partition"], registry=registry)
dead_letters = Counter(
    "rollcall_dead_letters", "Records that went to the dead letters, by reason", ["reason"], registry=registry
)
commits = Counter("rollcall_commits", "Commits of offsets", registry=registry)
