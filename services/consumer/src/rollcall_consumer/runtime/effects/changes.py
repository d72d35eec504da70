"""What has come of records, and is not committed yet."""

from time import time

from aiokafka import TopicPartition

from rollcall_consumer import metrics
from rollcall_consumer.runtime.deadletters import LetterBox, Refusal, tell
from rollcall_consumer.runtime.effects.parking import Parked, encode
from rollcall_consumer.runtime.outbox import Outbox


class Changes:
    """What is to be written with the next commit.

    Attributes:
        due: Whether there is something to be committed.
        finished: How many records are finished.
        letters: Dead letters that are to be written.
        parked: What is known of parked records, by their places; None of those that are not parked any more.
    """

    def __init__(self) -> None:
        self.due = False
        self.finished = 0
        self.letters: list[Refusal] = []
        self.parked: dict[str, Parked | None] = {}

    def add_letter(self, refusal: Refusal) -> None:
        """Have a dead letter written."""
        self.letters.append(refusal)

    def park(self, parked: Parked) -> None:
        """Have what is known of a parked record written."""
        self.parked[parked.place] = parked

    def forget(self, parked: Parked) -> None:
        """Have it written that a record is not parked any more."""
        self.parked[parked.place] = None

    def add(self, later: "Changes") -> None:
        """Take in what was to be written after this."""
        self.due = self.due or later.due
        self.finished += later.finished
        self.letters += later.letters
        self.parked |= later.parked

    def pack(self, letters: LetterBox, parked: TopicPartition) -> Outbox:
        """Give the records that are to be written.

        Args:
            letters: Writes dead letters.
            parked: Where it is written which records are parked.
        """
        outbox, now = Outbox(), int(time() * 1000)
        for refusal in self.letters:
            letters.put(outbox, refusal)
        for place, state in self.parked.items():
            value = None if state is None else encode(state)
            outbox.add(parked, now, place.encode(), value, [])
        return outbox

    def tell(self, index: int) -> None:
        """Tell of what is committed for good, of a partition."""
        metrics.records.labels(index).inc(self.finished)
        metrics.effects.labels("done").inc(self.finished - len(self.letters))
        metrics.effects.labels("dead").inc(len(self.letters))
        metrics.commits.inc()
        for refusal in self.letters:
            tell(refusal)
