"""Parked records: those whose last try has failed, and which are tried again. The later ones of their keys wait."""

from collections.abc import Iterable
from random import uniform
from time import time

import msgspec
from aiokafka import TopicPartition

from rollcall_consumer.errors import UnavailableError
from rollcall_consumer.runtime.effects.effect import Terms
from rollcall_domain.service.records import Record

ERROR_LIMIT = 500
"""Characters of an error that are kept."""


class Parked(msgspec.Struct, frozen=True, rename="pascal"):
    """A parked record, as all replicas can see it.

    Attributes:
        topic: The full name of the topic on which it lies.
        partition: The partition's index.
        offset: The place in the partition.
        key: Its key; null if it has none.
        tries: How often it was tried.
        since: When a try of it failed first, in milliseconds since 1970, UTC.
        error: What has failed last.
        next_try: When it is tried again, in milliseconds since 1970, UTC.
    """

    topic: str
    partition: int
    offset: int
    key: str | None
    tries: int
    since: int
    error: str
    next_try: int

    @property
    def place(self) -> str:
        """Where it lies, in a word."""
        return write_place(self.topic, self.partition, self.offset)


encode = msgspec.json.Encoder().encode
"""Writes a parked record as the value of another one."""

decode = msgspec.json.Decoder(Parked).decode
"""Reads a parked record."""


class Parkings:
    """Which records are parked, as it was noted on the topic `Student.Parked`.

    Attributes:
        parked: What is known of each, by its place.
    """

    def __init__(self) -> None:
        self.parked: dict[str, Parked] = {}

    def take(self, records: Iterable[Record]) -> None:
        """Read notes, in order."""
        for record in records:
            place = (record.key or b"").decode(errors="replace")
            if record.value:
                self.parked[place] = decode(record.value)
            else:
                self.parked.pop(place, None)


def park(partition: TopicPartition, record: Record, before: Parked | None, fault: Exception, terms: Terms) -> Parked:
    """Park a record after one more try.

    Args:
        partition: Where it lies.
        record: The record.
        before: How it was parked before, if it was.
        fault: What has failed now.
        terms: On what terms it is tried again.
    """
    now, key = time(), record.key
    tries = 1 if before is None else before.tries + 1
    after = fault.after if isinstance(fault, UnavailableError) else None
    seconds = max(_pause(terms, tries), after or 0.0)
    return Parked(
        partition.topic,
        partition.partition,
        record.offset,
        None if key is None else key.decode(errors="backslashreplace"),
        tries,
        int(now * 1000) if before is None else before.since,
        describe(fault),
        int((now + seconds) * 1000),
    )


def write_place(topic: str, partition: int, offset: int) -> str:
    """Name a place in the log in a word."""
    return f"{topic}-{partition}@{offset}"


def _pause(terms: Terms, tries: int) -> float:
    """Give the seconds before the next try, after so many: twice as long each time, a little more or less."""
    doubled = terms.first_pause * 2.0 ** min(tries - 1, 60)
    return min(doubled * uniform(0.75, 1.25), terms.longest_pause)  # noqa: S311 - it guards nothing


def describe(error: BaseException) -> str:
    """Say in a line what has failed."""
    text = " ".join(f"{type(error).__name__}: {error}".split()) if str(error) else type(error).__name__
    return text if len(text) <= ERROR_LIMIT else text[: ERROR_LIMIT - 1] + "…"
