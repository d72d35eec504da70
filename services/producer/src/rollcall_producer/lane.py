"""The way to one partition: a batch that is open to further records, those that wait, and one that is out."""

import asyncio
import math
from collections import deque
from collections.abc import Callable

from rollcall_domain.service.records import Header
from rollcall_producer import metrics
from rollcall_producer.batch import Batch, Outcome, size_alone
from rollcall_producer.errors import BusyError, DeliveryError, NotWrittenError, OutcomeUnknownError, RecordTooLargeError
from rollcall_producer.journal import Journal
from rollcall_producer.linger import Linger

SLICE = 0.1
"""For which part of the deadline a batch stays open while it can't leave: all of its records are given up together."""

RETRY_LIMIT = 30
"""Seconds after which to try again, at the most."""


class Lane:
    """The way to one partition.

    Args:
        partition: The partition's index.
        journal: Where records go.
        linger: Tells whom a partition's batches leave together with.
        limit: Bytes that may be on their way.
        deadline: Seconds after which those who wait are told what is known by then.

    Attributes:
        partition: The partition's index.
    """

    def __init__(
        self, partition: int, journal: Journal, linger: Callable[[int], Linger], limit: int, deadline: float
    ) -> None:
        self.partition = partition
        self._journal = journal
        self._linger = linger
        self._limit = limit
        self._deadline = deadline
        self._held = 0
        self._open: Batch | None = None
        self._closed: deque[Batch] = deque()
        self._out: Batch | None = None
        self._out_since = 0.0
        self._rate = 0.0
        self._arrival = asyncio.Event()
        self._room = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    @property
    def records(self) -> int:
        """How many records are on their way."""
        return self.waiting + sum(batch.count for batch in (*self._closed, *([self._out] if self._out else [])))

    @property
    def waiting(self) -> int:
        """How many records wait in the open batch."""
        return 0 if self._open is None else self._open.count

    @property
    def used(self) -> int:
        """Bytes on their way: those that wait and those that are out."""
        return self._held if self._open is None else self._held + self._open.size

    @property
    def has_room(self) -> bool:
        """Whether it should be given further records. The open batch, which is small, is not looked at."""
        return self._held < self._limit

    def check_room(self) -> None:
        """Make sure that there is room.

        Raises:
            BusyError: There is none, but will be soon.
            NotWrittenError: There is none, and nothing goes on.
        """
        if self._held < self._limit:
            return
        if self.out_for() > self._deadline or not self._rate:
            raise NotWrittenError("too many updates wait for Kafka; nothing was written")
        raise BusyError(min(RETRY_LIMIT, math.ceil(self.used / self._rate)))

    async def room(self) -> None:
        """Wait until there is room again."""
        while not self.has_room:
            self._room.clear()
            await self._room.wait()

    def add(self, timestamp: int, key: bytes, value: bytes, headers: list[Header]) -> Batch:
        """Take a record in, whether or not there is room.

        Args:
            timestamp: Milliseconds since 1970, UTC.
            key: The record's key.
            value: The record's value.
            headers: The record's headers.

        Returns:
            The batch that it travels in.

        Raises:
            RecordTooLargeError: The topic takes no record as large as this.
        """
        batch = self._open
        if batch is not None and batch.append(timestamp, key, value, headers) is not None:
            return batch
        return self._begin(timestamp, key, value, headers)

    def _begin(self, timestamp: int, key: bytes, value: bytes, headers: list[Header]) -> Batch:
        limit = self._journal.batch_limit
        if size_alone(key, value, headers) > limit:
            raise RecordTooLargeError(f"the record takes more than the {limit} bytes that the topic allows")
        self._close()
        batch = Batch(self.partition, limit, self._loop)
        batch.append(timestamp, key, value, headers)
        self._open = batch
        self._arrival.set()
        return batch

    def _close(self) -> None:
        if self._open is not None:
            self._held += self._open.size
            self._closed.append(self._open)
            self._open = None

    def out_for(self) -> float:
        """Tell for how many seconds the batch on its way has been out; 0 if there is none."""
        return 0.0 if self._out is None else self._loop.time() - self._out_since

    async def run(self) -> None:
        """Send what arrives, for ever."""
        while True:
            await self._arrival.wait()
            await self._journal.connected()
            linger = self._linger(self.partition)
            await linger.leave()
            batch = self._next()
            if batch is not None:
                await self._deliver(batch)
            linger.land()

    def _next(self) -> Batch | None:
        if not self._closed:
            self._close()
        batch = self._closed.popleft() if self._closed else None
        if not self._closed and self._open is None:
            self._arrival.clear()
        return batch

    async def _deliver(self, batch: Batch) -> None:
        self._out, self._out_since = batch, self._loop.time()
        outcome: Outcome = None
        try:
            batch.base = await self._journal.write(self.partition, batch.take())
        except DeliveryError as error:
            outcome = error
        self._out = None
        self._measure(batch.size, self._loop.time() - self._out_since)
        self._settle(batch, outcome)

    def _measure(self, size: int, seconds: float) -> None:
        """Keep the rate at which bytes leave: a mean over the last second or so of being out."""
        weight = math.exp(-seconds)
        self._rate = weight * self._rate + (1 - weight) * size / max(seconds, 1e-6)

    def _settle(self, batch: Batch, outcome: Outcome) -> None:
        self._held -= batch.size
        self._room.set()
        metrics.settled(batch.count, batch.size, self._loop.time() - batch.opened, outcome)
        batch.settle(outcome)

    def sweep(self, precision: float) -> None:
        """Tell those who have waited for too long, and close a batch that has been waiting to leave for a while.

        Args:
            precision: Seconds until the next time that this is called.
        """
        now = self._loop.time()
        latest = now - self._deadline + precision
        while self._closed and self._closed[0].opened <= latest:
            self._settle(
                self._closed.popleft(),
                NotWrittenError(f"Kafka took nothing within {self._deadline:g} s; nothing was written"),
            )
        if self._open is not None and self._open.opened <= now - self._deadline * SLICE:
            self._close()
        if self._out is not None and self._out.opened <= latest:
            self._out.tell(
                OutcomeUnknownError(
                    f"Kafka did not acknowledge within {self._deadline:g} s; the update may be written, or not"
                )
            )
