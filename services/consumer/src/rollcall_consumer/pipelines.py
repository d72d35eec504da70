"""The table of pipelines: which topics each reads, and what is done with what lies there."""

from rollcall_consumer import narrate, notify
from rollcall_consumer.record import RecordFold, essence, identify
from rollcall_consumer.runtime.effects.pipeline import EffectPipeline
from rollcall_consumer.runtime.folds.pipeline import FoldPipeline
from rollcall_consumer.runtime.pipeline import Pipeline
from rollcall_domain import codec
from rollcall_domain.topics import ACTIVITY, ALERTS, INBOX, STATE, STUDENT

FOLDS = {
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

EFFECTS = {
    pipeline.name: pipeline
    for pipeline in (
        EffectPipeline(
            name="notify",
            source=ALERTS,
            read=codec.read_alert,
            handler=notify.notifying,
            target=notify.receiver,
            terms=notify.TERMS,
        ),
        EffectPipeline(
            name="narrate",
            source=ALERTS,
            read=codec.read_alert,
            handler=narrate.narrating,
            terms=narrate.TERMS,
        ),
    )
}

PIPELINES: dict[str, Pipeline] = {**FOLDS, **EFFECTS}
