"""What a fold is to the runtime: records in, outputs out; and the topics that they are read from and written to."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

import msgspec

from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.service.records import Message, Record
from rollcall_domain.topics import DEAD_LETTERS, Topic

Admitted: TypeAlias = tuple[Record, bytes]
"""A record that repeats none before, and what tells it from all others: its id, or where it was found first."""

Outputs: TypeAlias = Sequence[tuple[Topic, Sequence[Message]]]
"""What is to be written, topic by topic."""


class Fold(Protocol):
    """Turns the records of one partition into outputs, and holds the state that this takes.

    It lives from the moment at which a replica takes the partition over: first it gets its own earlier outputs back,
    as far as their topics still have them, then records. What it gives is written, and noted to be done, or neither;
    if neither, a new one begins with what was written.
    """

    def restore(self, topic: Topic, values: Iterable[bytes]) -> None:
        """Take back outputs to a topic that is compacted, the latest of each key alone, in any order."""

    def restored(self) -> Sequence[int]:
        """Begin to work with what was taken back.

        Returns:
            For each input, the offset that comes after the last record that is known to be in it; 0 if none is.
        """

    def apply(self, records: Iterator[Admitted], source: int) -> None:
        """Take in records of an input, one after the other, and all of them.

        An error is about the record that was taken last, and leaves everything as it was before that one: those after
        it are still to be taken.

        Args:
            records: The records.
            source: The input: 0 for the source, 1 for the inbox.

        Raises:
            UnreadableRecordError: The record belongs among the dead letters.
            MisplacedError: It belongs to another partition.
        """

    def next_due(self) -> int | None:
        """Tell when `tick` is to be called at the latest, in milliseconds since 1970, UTC; None if it need not be."""

    def tick(self, now: int) -> None:
        """Take in the time, once all records are taken in that were written before; as `next_due` has it."""

    def take(self) -> Outputs:
        """Give what has come of all that since it was last taken."""

    def committed(self) -> None:
        """Hear that what was taken last is written for good."""


class Share(msgspec.Struct, frozen=True):
    """The part of the work that a fold does.

    Attributes:
        index: The partition's index: the same in each topic.
        partitions: How many there are.
        inputs: The full names of the inputs.
    """

    index: int
    partitions: int
    inputs: Sequence[str]


def _whole(_: Topic, value: bytes) -> bytes:
    return value


class Derivation(msgspec.Struct, frozen=True):
    """A fold, with the topics that it reads and writes.

    Attributes:
        name: What the pipeline is called on the command line.
        source: The topic that it reads.
        inbox: The topic for records that are for it alone.
        tables: Outputs that are compacted, and given back to a fold that begins.
        streams: Other outputs.
        fold: Makes a fold.
        identify: Tells an output to a stream from all others: what it gives is the same if it is derived anew.
        essence: Gives what matters of an output to a table: what has to be the same if it is derived anew.
    """

    name: str
    source: Topic
    inbox: Topic
    tables: Sequence[Topic]
    streams: Sequence[Topic]
    fold: Callable[[Share, ConsumerSettings], Fold]
    identify: Callable[[Topic, bytes], object] = _whole
    essence: Callable[[Topic, bytes], object] = _whole

    @property
    def topics(self) -> Sequence[Topic]:
        """All topics that it reads or writes."""
        return self.source, self.inbox, *self.tables, *self.streams, DEAD_LETTERS
