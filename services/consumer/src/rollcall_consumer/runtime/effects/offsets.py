"""Which records of an input are finished: all before a first one that is not, and some beyond it.

What is committed is the offset of that first one. What is finished beyond it is noted beside that, so that whoever goes
on from there does not do it again. Kafka takes a note of 4,096 characters by default.

A note tells how many offsets are finished between one record that is not and the next, by Rice's code: the number is
divided by a power of two; the quotient is written as so many ones and a zero, and the rest in binary. The power is the
one for which that takes the least, whether most records are finished or few.
"""

import binascii
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from itertools import pairwise

NOTE_LIMIT = 4000
"""Characters of a note at the most."""

ROOM = (NOTE_LIMIT - 3) // 4 * 3 * 8
"""Bits of a note: Base64 makes four characters of three bytes, and the power of two takes three."""

MOST = 62
"""The largest power: offsets are no larger."""


class Unfinished:
    """The records of one input that are not finished, up to where the input goes on.

    Args:
        position: The offset at which the input goes on. All before it is finished, but for what is left.
        left: Offsets before that which are not finished, in order. Each is still to be taken in.

    Attributes:
        position: The offset at which the input goes on.
    """

    def __init__(self, position: int, left: Iterable[int] = ()) -> None:
        self.position = position
        self._awaited = deque(left)
        self._left = OrderedDict.fromkeys(self._awaited, 0)

    def __len__(self) -> int:
        return len(self._left)

    @property
    def watermark(self) -> int:
        """The first offset that is not finished."""
        return next(iter(self._left), self.position)

    @property
    def oldest(self) -> int | None:
        """The timestamp of that record, in milliseconds since 1970, UTC; None if it has not been taken in."""
        return next(iter(self._left.values()), 0) or None

    @property
    def beyond(self) -> int:
        """How many offsets are finished beyond that, those included that never had a record."""
        return self.position - self.watermark - len(self._left)

    def awaits(self, offset: int) -> bool:
        """Tell whether a record is not finished, whether it has been taken in or not."""
        return offset >= self.position or offset in self._left

    def admits(self, offset: int) -> bool:
        """Tell whether a record may be taken in: a note has to have room, whichever records are finished first.

        What a note takes at the most grows with the number of unfinished records and with the span of their offsets.
        """
        span = offset + 1 - self.watermark
        if span <= ROOM:
            return True
        count = len(self._left) + 1
        power = (span // count).bit_length() - 1
        return _most(power, count, span) <= ROOM or (power > 0 and _most(power - 1, count, span) <= ROOM)

    def take(self, offset: int, timestamp: int) -> bool:
        """Take a record in, which comes after all that were taken before; tell whether it is not finished already."""
        self._pass(offset)
        if offset >= self.position:
            self.position = offset + 1
        elif not self._awaited or self._awaited[0] != offset:
            return False
        else:
            self._awaited.popleft()
        self._left[offset] = timestamp
        return True

    def skip(self, position: int) -> None:
        """Go on at an offset, before which there are no more records to take."""
        self._pass(position)
        if self.admits(position):
            self.position = max(self.position, position)

    def _pass(self, offset: int) -> None:
        """Be done with records before an offset that were still to be taken: they are gone."""
        while self._awaited and self._awaited[0] < offset:
            del self._left[self._awaited.popleft()]

    def finish(self, offset: int) -> None:
        """Finish a record that was taken in."""
        del self._left[offset]

    def note(self) -> str:
        """Note what is finished beyond the watermark: nothing if nothing is."""
        if not self.beyond:
            return ""
        left = [*self._left, self.position]
        gaps = [after - before - 1 for before, after in pairwise(left)]
        while not gaps[-1]:  # nothing is finished beyond
            gaps.pop()
        count, span = len(gaps), left[len(gaps)] - left[0]
        power = min(range(MOST + 1), key=lambda power: _most(power, count, span))
        return f"{power}:{_pack(gaps, power)}"


def read_note(watermark: int, note: str) -> Unfinished:
    """Read what was committed of an input.

    Args:
        watermark: The offset that was committed.
        note: The note beside it.

    Raises:
        ValueError: It is no such note.
    """
    if not note:
        return Unfinished(watermark)
    power, _, packed = note.partition(":")
    if not (power.isdecimal() and int(power) <= MOST):
        raise ValueError(f"a note does not begin with {power!r}")
    left, position = [watermark], watermark + 1
    for gap in _unpack(packed, int(power)):
        position += gap
        left.append(position)
        position += 1
    return Unfinished(left.pop(), left)  # after the last gap there is no record yet


def _most(power: int, count: int, span: int) -> int:
    """Give the bits that a note takes at the most, of so many unfinished records in a span, whichever these are."""
    return count * (power + 1) + (span - count >> power)


def _pack(gaps: Iterable[int], power: int) -> str:
    bits = "".join(_write(gap, power) for gap in gaps) if power else "".join("1" * gap + "0" for gap in gaps)
    padded = bits + "1" * (-len(bits) % 8)  # which ends no code
    return binascii.b2a_base64(int(padded, 2).to_bytes(len(padded) // 8), newline=False).decode()


def _write(gap: int, power: int) -> str:
    rest = gap & (1 << power) - 1
    return f"{'1' * (gap >> power)}0{rest:0{power}b}"


def _unpack(packed: str, power: int) -> Iterator[int]:
    data = binascii.a2b_base64(packed, strict_mode=True)
    bits = f"{int.from_bytes(data):0{len(data) * 8}b}"
    place = 0
    while (end := bits.find("0", place)) >= 0:
        rest = bits[end + 1 : end + 1 + power]
        if len(rest) < power:
            raise ValueError("a note ends within a number")
        yield (end - place << power) + int(rest or "0", 2)
        place = end + 1 + power
