"""Records on their way to a desk: as many as there is room for."""

import asyncio
from collections.abc import Callable

from aiokafka import TopicPartition

from rollcall_consumer.runtime.effects.desk import Desk
from rollcall_consumer.runtime.inflow import Inflow
from rollcall_consumer.runtime.workplace import Workplace
from rollcall_domain.service.records import Record
from rollcall_domain.service.source import Portion, Source

SLICE = 500
"""Records that are taken in without giving way to other tasks."""


class Intake:
    """Takes records in, from where work was committed.

    Args:
        desk: Where to.
        source: Where they come from.
        workplace: What it shares with others.
        key: Gives what a record is about.
        queue: How many records are in hand at the most.
    """

    def __init__(
        self,
        desk: Desk,
        source: Source,
        workplace: Workplace,
        key: Callable[[Record], bytes | None],
        queue: int,
    ) -> None:
        self._desk = desk
        self._key = key
        self._queue = queue
        self._numbers = {partition: number for number, partition in enumerate(desk.inputs)}
        self._positions = {partition: each.watermark for partition, each in desk.inputs.items()}
        self._rest: dict[TopicPartition, list[Record]] = {}
        self._blocked = False
        self._inflow = Inflow(source, self._positions, workplace.ends)

    @property
    def poll(self) -> float:
        """Seconds to wait at the most."""
        return self._inflow.poll

    @property
    def left(self) -> int | None:
        """How many records are not taken in yet; None before the first fetch."""
        return self._inflow.left()

    async def wait(self, timeout: float, bell: asyncio.Future[None]) -> None:  # noqa: ASYNC109 - it is no error
        """Wait until there is something to take in, and room for it; or until a bell is rung, or so many seconds."""
        if self._blocked or self._desk.in_hand >= self._queue:
            self._blocked = False
            self._desk.want_more()
            await asyncio.wait([bell], timeout=timeout)
        else:
            await self._inflow.wait(timeout, bell)

    async def take_in(self) -> None:
        """Take in what has come in, as far as there is room for it."""
        hand = self._inflow.hand
        for _ in range(len(hand)):
            portion = hand.popleft()
            if not await self._empty(portion):
                hand.append(portion)

    async def _empty(self, portion: Portion) -> bool:
        """Take in the records of a portion; tell whether that was all of them."""
        partition = portion.partition
        while (room := self._queue - self._desk.in_hand) > 0:
            records = self._rest.pop(partition, None) or self._inflow.within(portion, portion.take(min(SLICE, room)))
            if not records:
                self._skip(partition, self._inflow.after(portion))
                return True
            taken = self._take(partition, records)
            if taken < len(records):
                self._rest[partition], self._blocked = records[taken:], True
                return False
            await asyncio.sleep(0)
        return False

    def _take(self, partition: TopicPartition, records: list[Record]) -> int:
        """Take in records of an input, as far as there is room in a note; tell how many of them were."""
        desk, key, unfinished = self._desk, self._key, self._desk.inputs[partition]
        number = self._numbers[partition]
        for taken, record in enumerate(records):
            if not unfinished.admits(record.offset):
                return taken
            desk.take(number, record, key(record))
            self._positions[partition] = record.offset + 1
        return len(records)

    def _skip(self, partition: TopicPartition, offset: int) -> None:
        self._positions[partition] = max(offset, self._positions[partition])
        self._desk.skip(self._numbers[partition], offset)
