"""The table of pipelines: which topics each reads and writes, and the fold of the ones into the others."""

from rollcall_consumer.record import RecordFold, essence, identify
from rollcall_consumer.runtime.folds.pipeline import FoldPipeline
from rollcall_domain.topics import ACTIVITY, ALERTS, INBOX, STATE, STUDENT

PIPELINES = {
    pipeline.name: pipeline
    for pipeline in (
        FoldPipeline(
            "record",
            source=STUDENT,
            inbox=INBOX,
            tables=[STATE, ACTIVITY],
            streams=[ALERTS],
            fold=RecordFold,
            identify=identify,
            essence=essence,
        ),
    )
}
