"""Which records of an input are finished: all before a first one that is not, and some beyond it.

What is committed is the offset of that first one. What is finished beyond it is noted beside that, so that whoever goes
on from there does not do it again. Kafka takes a note of 4,096 characters by default.
"""

import binascii
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Sequence

NOTE_LIMIT = 4000
"""Characters of a note at the most."""

SPAN = 20_000
"""Offsets from the first unfinished record on for which a note has room, whichever of them are finished."""

SCATTERED = 500
"""Unfinished records for which a note has room, however far apart they are."""

_BITS, _RUNS = "b", "r"
"""How a note begins: whether it has a bit for each offset, or the lengths of runs."""


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

    def admits(self, offset: int) -> bool:
        """Tell whether a record may be taken in: a note has to have room, whichever records are finished first."""
        return len(self._left) < SCATTERED or offset - self.watermark < SPAN

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
        watermark = self.watermark
        left = [offset - watermark for offset in self._left]
        span = self.position - watermark
        return min(_runs(left, span), _bits(left, span), key=len) if span <= SPAN else _runs(left, span)


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
    form, data = note[0], binascii.a2b_base64(note[1:], strict_mode=True)
    if form == _RUNS:
        return _read_runs(watermark, data)
    if form == _BITS:
        return _read_bits(watermark, data)
    raise ValueError(f"a note does not begin with {form!r}")


def _write(form: str, data: bytes) -> str:
    return form + binascii.b2a_base64(data, newline=False).decode()


def _bits(left: Sequence[int], span: int) -> str:
    """Set a bit for each offset that is finished; the lowest one is that of the first offset, and the last is set."""
    bits = bytearray(b"\xff" * (span // 8) + bytes([(1 << span % 8) - 1]))
    for place in left:
        bits[place // 8] &= ~(1 << place % 8)
    return _write(_BITS, bytes(bits.rstrip(b"\0")))


def _read_bits(watermark: int, data: bytes) -> Unfinished:
    span = len(data) * 8 - 8 + data[-1].bit_length()
    places = range(span)
    return Unfinished(
        watermark + span, [watermark + place for place in places if not data[place // 8] >> place % 8 & 1]
    )


def _runs(left: Sequence[int], span: int) -> str:
    """Write by turns how many offsets one after the other are not finished, and are, as long as some are."""
    lengths, place = [], 0
    for begin, end in _spans(left):
        if begin > place:
            lengths.append(begin - place)
        lengths.append(end - begin)
        place = end
    if span > place:
        lengths.append(span - place)
    else:
        lengths.pop()
    return _write(_RUNS, b"".join(map(_varint, lengths)))


def _spans(left: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Give where each run begins, and where it ends."""
    begin = end = left[0]
    for place in left:
        if place > end:
            yield begin, end
            begin = place
        end = place + 1
    yield begin, end


def _read_runs(watermark: int, data: bytes) -> Unfinished:
    left: list[int] = []
    position, finished = watermark, False
    for length in _varints(data):
        if not finished:
            left.extend(range(position, position + length))
        position += length
        finished = not finished
    return Unfinished(position, left)


def _varint(number: int) -> bytes:
    """Write a number seven bits at a time, the lowest first; all bytes but the last have the highest bit set."""
    written = bytearray()
    while number >> 7:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


def _varints(data: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in data:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:  # noqa: PLR2004 - the highest bit
            yield number
            number = shift = 0
