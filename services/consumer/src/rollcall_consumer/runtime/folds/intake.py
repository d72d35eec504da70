"""Records of a partition on their way into the fold, and what comes of them on its way into a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import length_hint

import structlog
from aiokafka import TopicPartition

from rollcall_consumer import metrics
from rollcall_consumer.runtime.deadletters import LetterBox, Refusal, tell
from rollcall_consumer.runtime.folds.fold import Derivation, Fold
from rollcall_consumer.runtime.folds.window import Windows, find
from rollcall_consumer.runtime.outbox import Outbox
from rollcall_consumer.runtime.workplace import Workplace
from rollcall_domain.errors import MisplacedError, Reason, UnreadableRecordError
from rollcall_domain.headers import ID
from rollcall_domain.service.records import Record

log = structlog.get_logger()


@dataclass
class State:
    """What the records of a partition have led to.

    Attributes:
        fold: The fold.
        windows: The ids of the records before.
        positions: The offset at which each input goes on.
    """

    fold: Fold
    windows: Windows
    positions: dict[TopicPartition, int]


@dataclass
class _Tally:
    """What has become of records since the last commit."""

    records: int = 0
    repeated: int = 0
    forwarded: int = 0
    letters: list[Refusal] = field(default_factory=list)


class Intake:
    """Takes records in, one after the other.

    Args:
        index: The partition's index.
        derivation: What is done.
        workplace: What the work on all partitions shares.
        state: The state to begin with, which it goes on with.

    Attributes:
        fault: Why no more is taken in, if so: more records can't be handled than may be, and the next is another one.
    """

    def __init__(self, index: int, derivation: Derivation, workplace: Workplace, state: State) -> None:
        self.fault: str | None = None
        self._index = index
        self._derivation = derivation
        self._workplace = workplace
        self._sources = {partition: number for number, partition in enumerate(workplace.inputs(index))}
        self._state = state
        self._outbox = Outbox()
        self._letters = LetterBox(index, workplace)
        self._handled = 0
        self._tally = _Tally()

    @property
    def taken(self) -> int:
        """How many records were taken in since the last transaction."""
        return self._tally.records

    def take(self, partition: TopicPartition, records: Sequence[Record]) -> None:
        """Take in records of an input, one at the least, in order; those that repeat others change nothing."""
        source = self._sources[partition]
        admitted = self._state.windows.admit(source, records)
        taken, following = len(records), records[-1].offset + 1
        queue = iter(admitted)
        while length_hint(queue):
            try:
                self._state.fold.apply(queue, source)
            except Exception as error:  # noqa: BLE001 - whatever it is, the record is kept
                record, cause = admitted[-1 - length_hint(queue)]
                number = records.index(record)
                if not self._divert(partition, record, cause, error, self._handled + number):
                    taken, following = number, record.offset
                    break
        self._state.positions[partition] = following
        self._handled += taken
        self._tally.records += taken
        self._tally.repeated += len(records) - len(admitted)

    def skip(self, partition: TopicPartition, offset: int) -> None:
        """Go on with an input at an offset, before which there are no records but those that were taken in."""
        if self.fault is None:
            self._state.positions[partition] = offset

    def _divert(self, partition: TopicPartition, record: Record, cause: bytes, error: Exception, number: int) -> bool:
        """Send a record elsewhere that was refused; tell whether it could be. So many records came before it."""
        if isinstance(error, MisplacedError):
            self._forward(record, cause, error)
            return True
        if not isinstance(error, UnreadableRecordError):
            place = {"topic": partition.topic, "partition": self._index, "offset": record.offset}
            log.error("The fold failed", **place, exc_info=error)
            error = UnreadableRecordError(Reason.FOLD_FAILED, f"{type(error).__name__}: {error}")
        return self._keep(partition, record, error, number)

    def _forward(self, record: Record, cause: bytes, error: MisplacedError) -> None:
        """Send a record on to where it belongs, with an id, so that it is not sent twice."""
        headers = list(record.headers)
        if find(headers) is None:
            headers.append((ID, cause))
        target = self._workplace.place(self._derivation.inbox, error.partition)
        self._outbox.add(target, record.timestamp, error.key.encode(), record.value, headers)
        self._tally.forwarded += 1

    def _keep(self, partition: TopicPartition, record: Record, error: UnreadableRecordError, number: int) -> bool:
        """Keep a record among the dead letters, unless there are too many of them."""
        self.fault = self._letters.full(record, number)
        if self.fault is not None:
            log.error("Stopped", reason=self.fault, partition=self._index, topic=partition.topic, offset=record.offset)
            return False
        refusal = Refusal(partition, record, error.reason, error.detail)
        self._letters.put(self._outbox, refusal)
        self._tally.letters.append(refusal)
        return True

    def pack(self) -> Outbox:
        """Give what is to be written."""
        outbox, self._outbox = self._outbox, Outbox()
        for topic, messages in self._state.fold.take():
            if messages:
                outbox.extend(self._workplace.place(topic, self._index), messages)
        return outbox

    def committed(self) -> None:
        """Hear that it is written, and tell of it."""
        tally, self._tally = self._tally, _Tally()
        metrics.records.labels(self._index).inc(tally.records)
        metrics.repeats.inc(tally.repeated)
        metrics.forwarded.inc(tally.forwarded)
        metrics.commits.inc()
        for refusal in tally.letters:
            tell(refusal)
        self._state.fold.committed()
