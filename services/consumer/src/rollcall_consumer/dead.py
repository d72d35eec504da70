"""The dead letters of a group: found by what they are, and read one after the other."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

import msgspec
from aiokafka import TopicPartition

from rollcall_consumer.runtime.letters import Letter, Place, read_letter, read_note
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain import codec
from rollcall_domain.errors import Reason
from rollcall_domain.service.source import Source
from rollcall_domain.topics import DEAD_LETTERS

SLICE = 500
"""Records that are looked at at a time."""


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which dead letters are wanted: those for which all of this holds.

    Attributes:
        reason: Why they could not be handled; None for whatever reason.
        topic: Where the original lay, by the topic's full name; None for anywhere.
        student: Whose they are, by key or by value; None for whoever's.
        since: The earliest time of the original; None for any.
        until: The time before which the original lies; None for any.
        place: Where it lies; None for anywhere.
        redriven: Whether those are wanted too that were sent back.
    """

    reason: Reason | None = None
    topic: str | None = None
    student: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    place: Place | None = None
    redriven: bool = False

    def matches(self, letter: Letter) -> bool:
        """Tell whether a letter is wanted, for all that it says itself."""
        seconds = letter.timestamp / 1000
        return (
            self.reason in (None, letter.why.reason)
            and self.topic in (None, letter.why.topic)
            and (self.since is None or seconds >= self.since.timestamp())
            and (self.until is None or seconds < self.until.timestamp())
            and self.place in (None, (letter.partition, letter.offset))
            and (self.student is None or self.student in students(letter))
        )


def students(letter: Letter) -> set[str]:
    """Tell whose a letter may be: whom the key names, and whom the value does, as far as they can be read."""
    found = set()
    if letter.key is not None:
        found.add(letter.key.decode(errors="replace"))
    with contextlib.suppress(*codec.FAULTS):
        found.add(codec.decode_update(letter.value or b"").student_id)
    return found


class Found(msgspec.Struct):
    """What was found.

    Attributes:
        wanted: The offsets of letters that are wanted, in order, by partition of the dead letters.
        redriven: The places of letters that were sent back.
    """

    wanted: dict[int, list[int]]
    redriven: set[Place]

    @property
    def count(self) -> int:
        """How many are wanted."""
        return sum(map(len, self.wanted.values()))


class DeadLetterLog:
    """The topic of dead letters, as far as it is one group's.

    Args:
        settings: The service's settings.
        source: Reads it.
    """

    def __init__(self, settings: ConsumerSettings, source: Source) -> None:
        self._group = settings.owner
        self._source = source
        topic = settings.topic_name(DEAD_LETTERS)
        self._partitions = [TopicPartition(topic, index) for index in range(settings.partitions)]
        self._bounds: Mapping[TopicPartition, tuple[int, int]] = {}

    async def find(self, selection: Selection) -> Found:
        """Find letters among those that there are now."""
        found = Found({partition.partition: [] for partition in self._partitions}, set())
        self._bounds = await self._source.bounds(self._partitions)
        async for (_, index), records in self._source.scan(self._bounds, SLICE):
            for record in records:
                letter = read_letter(index, record)
                if letter is None:
                    found.redriven.update((index, offset) for offset in read_note(record))
                elif letter.why.group == self._group and selection.matches(letter):
                    found.wanted[index].append(letter.offset)
        if not selection.redriven:
            for index, offsets in found.wanted.items():
                found.wanted[index] = [offset for offset in offsets if (index, offset) not in found.redriven]
        return found

    async def read(self, index: int, offsets: Sequence[int]) -> AsyncIterator[Letter]:
        """Read letters of a partition that were found; those that are gone meanwhile are left out."""
        partition, wanted = self._partitions[index], set(offsets)
        if not offsets:
            return
        async for (_, _), records in self._source.scan({partition: (offsets[0], offsets[-1] + 1)}, SLICE):
            for record in records:
                letter = read_letter(index, record) if record.offset in wanted else None
                if letter is not None:
                    yield letter
