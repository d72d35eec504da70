"""Records for one partition that travel together, and what becomes of them."""

import asyncio
from collections.abc import Sequence
from typing import Literal

from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from rollcall_domain.service.records import Header, Records
from rollcall_producer.errors import DeliveryError

OVERHEAD = 128
"""Bytes that a batch takes at the most beside key, value and headers of its only record."""

Outcome = DeliveryError | None
"""What became of a record: it is in the log, or the error says what is known."""

Status = Literal["accepted", "not-written", "unknown"]
"""What is known of a record, for programs."""


def status_of(outcome: Outcome) -> Status:
    """Tell in a word what became of a record."""
    return "accepted" if outcome is None else outcome.outcome


def size_alone(key: bytes, value: bytes, headers: Sequence[Header]) -> int:
    """Tell how many bytes a batch of one record takes at the most."""
    return OVERHEAD + len(key) + len(value) + sum(len(name) + len(content) + 10 for name, content in headers)


class Batch:
    """Records from the admission of the first until all are settled.

    Args:
        partition: Which one.
        limit: Bytes that Kafka takes in a batch.
        loop: The event loop.

    Attributes:
        partition: Which one.
        opened: When the first one came, in seconds of the loop's clock.
        append: Adds a record, as `Records.append` does.
        settled: Whether it is known what became of them, for good.
        outcome: What became of them, once settled.
        base: The offset of the first one, which the others follow, once they are in the log and if that is known.
    """

    __slots__ = ("_builder", "_loop", "_waiters", "append", "base", "opened", "outcome", "partition", "settled")

    def __init__(self, partition: int, limit: int, loop: asyncio.AbstractEventLoop) -> None:
        self._builder = Records(limit)
        self._loop = loop
        self._waiters: list[asyncio.Future[Outcome]] = []
        self.partition = partition
        self.append = self._builder.append
        self.opened = loop.time()
        self.settled = False
        self.outcome: Outcome = None
        self.base: int | None = None

    @property
    def count(self) -> int:
        """How many records there are."""
        return int(self._builder.record_count())

    @property
    def size(self) -> int:
        """Bytes, as Kafka counts them."""
        return int(self._builder.size())

    @property
    def status(self) -> Status:
        """What is known of the records, for programs."""
        return status_of(self.outcome) if self.settled else "unknown"

    def wait(self) -> asyncio.Future[Outcome]:
        """Ask to be told what became of the records.

        Returns:
            A future of the asker's own, which it may cancel. It holds errors as results, and never raises them: one
            error is told to many.
        """
        waiter: asyncio.Future[Outcome] = self._loop.create_future()
        if self.settled:
            waiter.set_result(self.outcome)
        else:
            self._waiters.append(waiter)
        return waiter

    def tell(self, outcome: Outcome) -> None:
        """Tell those who wait, whether or not the outcome is final."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(outcome)

    def settle(self, outcome: Outcome) -> None:
        """Settle the records' fate, and tell those who wait."""
        self.settled = True
        self.outcome = outcome
        del self._builder, self.append  # the bytes; whoever remembers the batch wants its outcome
        self.tell(outcome)

    def take(self) -> BatchBuilder:
        """Hand the records over to whoever sends them; nothing can be added any more."""
        self._builder.close()
        return self._builder


def split(builder: BatchBuilder, limit: int) -> list[Records]:
    """Spread a batch's records over batches of a size in bytes at the most, in order.

    A record that is larger than that by itself gets a batch of its own.
    """
    pieces = [Records(limit)]
    records = MemoryRecords(bytes(builder._build())).next_batch()  # noqa: SLF001 - no public way to its bytes
    for record in records:
        fields = record.timestamp, record.key, record.value, record.headers
        if pieces[-1].append(*fields) is None:
            pieces.append(Records(limit))
            pieces[-1].append(*fields)
    return pieces
