"""A pipeline that knows no students: it adds up numbers by their name."""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from rollcall_consumer.runtime.folds.fold import Admitted, Outputs, Share
from rollcall_consumer.runtime.folds.pipeline import FoldPipeline
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.errors import MisplacedError, Reason, UnreadableRecordError
from rollcall_domain.service.records import Record
from rollcall_domain.topics import Topic

SOURCE = Topic("Numbers", {})
INBOX = Topic("Numbers.Inbox", {}, derived=True)
SUMS = Topic("Sums", {"cleanup.policy": "compact"}, derived=True)
STEPS = Topic("Steps", {}, derived=True)


class Number(msgspec.Struct):
    """What a record says: add so much to what is called so; and where that belongs, if not here."""

    name: str
    add: int
    partition: int | None = None


class Sum(msgspec.Struct):
    """How much has come together."""

    name: str
    total: int
    next: int = 0


_decode = msgspec.json.Decoder(Number).decode
_decode_sum = msgspec.json.Decoder(Sum).decode


class Sums:
    """Adds up. Every number is told as a step, with what has come together by then.

    Args:
        watch: Is shown each number before it is added, and may raise something.
    """

    def __init__(self, share: Share, watch: Callable[[Number], None]) -> None:
        self._share = share
        self._watch = watch
        self._totals: dict[str, int] = {}
        self._changed: dict[str, int] = {}
        self._steps: list[Sum] = []
        self._next = 0

    def restore(self, topic: Topic, values: Iterable[bytes]) -> None:
        """Take back sums."""
        assert topic is SUMS
        for taken in map(_decode_sum, values):
            self._totals[taken.name] = taken.total
            self._next = max(self._next, taken.next)

    def restored(self) -> list[int]:
        """Begin."""
        return [self._next, 0]

    def apply(self, records: Iterator[Admitted], source: int) -> None:
        """Add numbers."""
        assert source in (0, 1)
        for record, cause in records:
            assert cause
            self._add(record, source)

    def _add(self, record: Record, source: int) -> None:
        try:
            number = _decode(record.value or b"")
        except msgspec.DecodeError as error:
            raise UnreadableRecordError(Reason.NOT_JSON, str(error)) from error
        self._watch(number)
        if number.partition not in (None, self._share.index):
            raise MisplacedError(number.name, number.partition or 0)
        if source == 0:
            self._next = record.offset + 1
        total = self._totals.get(number.name, 0) + number.add
        self._totals[number.name] = self._changed[number.name] = total
        self._steps.append(Sum(number.name, total))

    def next_due(self) -> int | None:
        """Tell that the clock does not matter."""

    def tick(self, now: int) -> None:
        """Take in the time."""

    def take(self) -> Outputs:
        """Give sums and steps."""
        changed, self._changed = self._changed, {}
        steps, self._steps = self._steps, []
        return [
            (
                SUMS,
                [
                    (name.encode(), msgspec.json.encode(Sum(name, total, self._next)), 1)
                    for name, total in changed.items()
                ],
            ),
            (STEPS, [(step.name.encode(), msgspec.json.encode(step), 1) for step in steps]),
        ]

    def committed(self) -> None:
        """Hear that it is written."""


def pipeline(watch: Callable[[Number], None] = lambda _: None) -> FoldPipeline:
    """Make the pipeline."""

    def fold(share: Share, _: ConsumerSettings) -> Sums:
        return Sums(share, watch)

    return FoldPipeline("sums", SOURCE, INBOX, [SUMS], [STEPS], fold)
