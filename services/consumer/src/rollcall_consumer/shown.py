"""A dead letter as it is shown: in a line or in full for people, or for programs."""

from base64 import b64encode
from collections.abc import Iterator

import msgspec

from rollcall_consumer.runtime.letters import Letter
from rollcall_domain.times import write_time

WIDTH = 60
"""Characters of a value that are shown in a line."""


class Shown(msgspec.Struct, rename="pascal"):
    """A dead letter, as JSON.

    Attributes:
        place: Where it lies among the dead letters: partition and offset, as in `4@17`.
        time: The original's time, in ISO 8601, UTC.
        reason: What is wrong with it, for programs.
        detail: What is wrong with it, for people.
        topic: Where it was read.
        partition: The partition there.
        offset: The offset there.
        returns: How often it was sent back before it came here.
        redriven: Whether it was sent back from here.
        key: The key, if it is UTF-8.
        key_base64: The key, if it is not.
        value: The value, if it is UTF-8.
        value_base64: The value, if it is not.
        headers: The original headers, names and values; bytes that are not UTF-8 are replaced.
        truncated_from: The size in bytes of a value that was cut short.
    """

    place: str
    time: str
    reason: str
    detail: str
    topic: str
    partition: int
    offset: int
    returns: int
    redriven: bool
    key: str | None
    key_base64: str | None
    value: str | None
    value_base64: str | None
    headers: list[tuple[str, str | None]]
    truncated_from: int | None

    def json(self) -> str:
        """Write it as a JSON object."""
        return msgspec.json.encode(self).decode()

    def line(self) -> str:
        """Write it in a line."""
        value = self.value if self.value_base64 is None else f"base64 {self.value_base64}"
        text = "" if value is None else value
        short = repr(text if len(text) <= WIDTH else text[:WIDTH] + "…")[1:-1]
        marks = [f"returned {self.returns}x"] if self.returns else []
        marks += ["sent back"] if self.redriven else []
        return "  ".join(
            [self.place, self.time, self.reason, f"{self.topic}-{self.partition}@{self.offset}", *marks, short]
        )

    def lines(self) -> Iterator[str]:
        """Write all of it."""
        yield f"dead letter  {self.place}{', sent back' if self.redriven else ''}"
        yield f"reason       {self.reason}: {self.detail}"
        yield f"read at      {self.topic}-{self.partition}@{self.offset}"
        yield f"time         {self.time}"
        yield f"returns      {self.returns}"
        yield f"key          {_readable(self.key, self.key_base64)}"
        for name, value in self.headers:
            yield f"header       {name}: {'null' if value is None else value}"
        if self.truncated_from is not None:
            yield f"cut short    from {self.truncated_from:,} bytes"
        yield f"value        {_readable(self.value, self.value_base64)}"


def _readable(text: str | None, base64: str | None) -> str:
    if base64 is not None:
        return f"base64 {base64}"
    return "null" if text is None else text


def shown(letter: Letter, *, redriven: bool) -> Shown:
    """Say of a letter all that is to be shown."""
    why = letter.why
    key, key_base64 = _text(letter.key)
    value, value_base64 = _text(letter.value)
    return Shown(
        f"{letter.partition}@{letter.offset}",
        write_time(letter.timestamp),
        why.reason.value,
        why.detail,
        why.topic,
        int(why.partition),
        int(why.offset),
        letter.returns,
        redriven,
        key,
        key_base64,
        value,
        value_base64,
        [(name, None if value is None else value.decode(errors="replace")) for name, value in letter.headers],
        None if isinstance(why.truncated_from, msgspec.UnsetType) else int(why.truncated_from),
    )


def _text(data: bytes | None) -> tuple[str | None, str | None]:
    """Give bytes as text, or else in base 64."""
    if data is None:
        return None, None
    try:
        return data.decode(), None
    except UnicodeDecodeError:
        return None, b64encode(data).decode()
