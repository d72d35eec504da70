"""The table of pipelines: which topic each reads, and what it does with a record."""

from rollcall_consumer.record import RecordLog
from rollcall_consumer.runtime.pipeline import Pipeline
from rollcall_domain.topics import STUDENT

PIPELINES = {pipeline.name: pipeline for pipeline in (Pipeline("record", STUDENT, RecordLog),)}
