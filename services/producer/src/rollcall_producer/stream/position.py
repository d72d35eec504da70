"""Where a viewer of the stream is, and the id that says so: the next offset of every partition of all its topics."""

from collections.abc import Sequence

import msgspec

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}

_BITS = 63
"""Bits of an offset."""

_LONGEST = 11
"""Digits of the largest offset."""

TOPICS = 3
"""Topics of the stream: events, states, and alerts. States are those of a generation; the others go on in all."""


class MalformedIdError(ValueError):
    """An id that says no place in this stream."""


class Position(msgspec.Struct, frozen=True):
    """A place in the stream.

    Attributes:
        generation: The generation whose states are read.
        offsets: The next offset of each partition: those of events, then those of states, then those of alerts.
    """

    generation: int
    offsets: tuple[int, ...]

    @property
    def partitions(self) -> int:
        """How many partitions each topic has."""
        return len(self.offsets) // TOPICS

    @property
    def id(self) -> bytes:
        """The id of the place."""
        return Course(self).id

    @property
    def states(self) -> slice:
        """Where among the offsets those of states are."""
        return slice(self.partitions, 2 * self.partitions)

    def reaches(self, other: "Position") -> bool:
        """Tell whether all that lies before another place lies before this one too."""
        begin, end = self.states.start, self.states.stop
        mine, theirs = self.offsets, other.offsets
        if self.generation == other.generation:
            return all(a >= b for a, b in zip(mine, theirs, strict=True))
        if self.generation < other.generation:
            return False
        goes_on = (*mine[:begin], *mine[end:]), (*theirs[:begin], *theirs[end:])
        return all(a >= b for a, b in zip(*goes_on, strict=True))

    def joined(self, other: "Position") -> "Position":
        """Give the place before which all lies that lies before one of both."""
        if self.generation < other.generation:
            return other.joined(self)
        offsets = [max(a, b) for a, b in zip(self.offsets, other.offsets, strict=True)]
        if self.generation != other.generation:
            offsets[self.states] = self.offsets[self.states]
        return Position(self.generation, tuple(offsets))

    def moved(self, index: int, offset: int) -> "Position":
        """Give the same place, but for the offset of a partition."""
        return Position(self.generation, (*self.offsets[:index], offset, *self.offsets[index + 1 :]))

    def has(self, generation: int, index: int, offset: int) -> bool:
        """Tell whether a record lies before this place.

        Args:
            generation: The generation that it was read for.
            index: The place of its partition among the offsets.
            offset: The offset that comes after it.
        """
        if generation != self.generation and self.states.start <= index < self.states.stop:
            return generation < self.generation
        return offset <= self.offsets[index]

    def with_states(self, generation: int, offsets: Sequence[int]) -> "Position":
        """Give the place at which another generation's states go on."""
        begin, end = self.states.start, self.states.stop
        return Position(generation, (*self.offsets[:begin], *offsets, *self.offsets[end:]))


class Course:
    """A position that moves on, and its id at any time.

    Args:
        begin: Where it begins.

    Attributes:
        generation: As `Position` has it.
        offsets: As `Position` has them.
    """

    def __init__(self, begin: Position) -> None:
        self.generation = begin.generation
        self.offsets = list(begin.offsets)
        self._texts = [_write(number) for number in (begin.generation, *begin.offsets)]

    @property
    def position(self) -> Position:
        """Where it is."""
        return Position(self.generation, tuple(self.offsets))

    @property
    def id(self) -> bytes:
        """The id of where it is."""
        return ".".join(self._texts).encode()

    def move(self, index: int, offset: int) -> None:
        """Go on with a partition at an offset."""
        self.offsets[index] = offset
        self._texts[index + 1] = _write(offset)


def read_id(text: str, partitions: int) -> Position:
    """Read the id of a place.

    Args:
        text: The id.
        partitions: How many partitions each topic has.

    Raises:
        MalformedIdError: It is none, or one of topics that were laid out otherwise.
    """
    parts = text.split(".")
    if any(not part or len(part) > _LONGEST or not _VALUES.keys() >= set(part) for part in parts):
        raise MalformedIdError("is no id of a message of this stream")
    generation, *offsets = (_read(part) for part in parts)
    if not (generation and offsets) or len(offsets) % TOPICS or max(offsets) >> _BITS:
        raise MalformedIdError("is no id of a message of this stream")
    if len(offsets) != TOPICS * partitions:
        raise MalformedIdError(
            f"is of a stream with {len(offsets) // TOPICS} partitions of each topic, and here there are {partitions}"
        )
    return Position(generation, tuple(offsets))


def _write(number: int) -> str:
    digits = _DIGITS[number & 63]
    while number := number >> 6:
        digits = _DIGITS[number & 63] + digits
    return digits


def _read(text: str) -> int:
    number = 0
    for digit in text:
        number = number << 6 | _VALUES[digit]
    return number
