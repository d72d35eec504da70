"""The records of a partition's inputs, as they come in, up to where work is to end."""

import asyncio
from collections import deque
from collections.abc import Mapping

from aiokafka import TopicPartition

from rollcall_domain.service.records import Record
from rollcall_domain.service.source import Portion, Source, until

POLL = 1.0
"""Seconds to wait for records, if nothing else matters before."""

LIMITED_POLL = 0.1
"""The same where an end is set to the work, which may be moved on."""


class Inflow:
    """What has come in and is not taken yet.

    Args:
        source: Where records come from.
        positions: The offset at which each input goes on. It is kept up to date by who takes them.
        ends: The offset at which work on a partition is to end, where it is to. It may be moved on at any time.

    Attributes:
        hand: Portions that have come in.
    """

    def __init__(
        self, source: Source, positions: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
    ) -> None:
        self.hand: deque[Portion] = deque()
        self._source = source
        self._positions = positions
        self._given = ends
        self._ends: Mapping[TopicPartition, int] = {}
        self._read()

    @property
    def poll(self) -> float:
        """Seconds to wait for records at the most."""
        return LIMITED_POLL if self._ends else POLL

    async def wait(self, timeout: float, bell: asyncio.Future[None] | None = None) -> None:  # noqa: ASYNC109 - it is no error
        """Have something in hand, unless nothing comes in within so many seconds, or a bell is rung meanwhile."""
        if self.hand:
            return
        self._move_on()
        await self._source.wait(timeout, bell)
        self.hand.extend(self._source.take())

    def take(self) -> None:
        """Have in hand what has come in meanwhile as well."""
        self.hand.extend(self._source.take())

    def within(self, portion: Portion, records: list[Record]) -> list[Record]:
        """Leave out records of a portion that lie beyond the end."""
        end = self._ends.get(portion.partition)
        return records if end is None else until(records, end)

    def after(self, portion: Portion) -> int:
        """Give the offset that comes after a portion, or the end if that comes before."""
        return min(portion.next, self._ends.get(portion.partition, portion.next))

    def known_ends(self) -> Mapping[TopicPartition, int] | None:
        """Tell where the inputs end, up to the first open transaction, once that is known of all."""
        ends = {partition: end for partition in self._positions if (end := self._source.end(partition)) is not None}
        return ends if len(ends) == len(self._positions) else None

    def left(self) -> int | None:
        """Count the records that are not taken yet, with marks of transactions; None before the first fetch."""
        ends = self.known_ends()
        return None if ends is None else sum(max(0, end - self._positions[each]) for each, end in ends.items())

    def _move_on(self) -> None:
        """Read on where work had come to its end, if the end was moved on. All that has come in is taken in."""
        at_end = any(self._positions[partition] >= end for partition, end in self._ends.items())
        if at_end and self._find_ends() != self._ends:
            self._read()

    def _read(self) -> None:
        self._ends = self._find_ends()
        self._source.read(self._positions, self._ends)

    def _find_ends(self) -> Mapping[TopicPartition, int]:
        return {
            partition: max(position, self._given[partition])
            for partition, position in self._positions.items()
            if partition in self._given
        }
