"""Step 2 of an update's way: one queue for each partition, and one batch of it on its way at any time.

What arrives while a batch is out forms the next one. So batches grow with the load, a lone update waits for nothing,
and the order within a partition, which is that per student, is the order of admission.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from time import monotonic, time
from types import TracebackType
from typing import Self

from rollcall_domain import codec
from rollcall_domain.events import StudentRecordUpdate
from rollcall_domain.partition import partition_for
from rollcall_producer import metrics
from rollcall_producer.errors import DeliveryError, NotWrittenError, OutcomeUnknownError
from rollcall_producer.journal import Journal
from rollcall_producer.kafka import Batch

QUEUE_LIMIT = 8 * 1024 * 1024
"""Bytes of keys and values that may wait in one lane."""


class Ticket:
    """An update on its way, and the answer that its caller waits for.

    Attributes:
        key: The record's key.
        value: The record's value.
        timestamp: When it was admitted, in milliseconds since 1970, UTC.
        sent: Whether it has been handed to the Kafka client.
        answer: Done once Kafka has acknowledged the record.
    """

    __slots__ = ("admitted", "answer", "key", "sent", "timestamp", "value")

    def __init__(self, key: bytes, value: bytes, answer: asyncio.Future[None]) -> None:
        self.key = key
        self.value = value
        self.timestamp = int(time() * 1000)
        self.admitted = monotonic()
        self.sent = False
        self.answer = answer

    @property
    def size(self) -> int:
        """Bytes of key and value."""
        return len(self.key) + len(self.value)


class Lane:
    """The way to one partition."""

    def __init__(self, partition: int, journal: Journal) -> None:
        self._partition = partition
        self._journal = journal
        self._queue: deque[Ticket] = deque()
        self._queued_bytes = 0
        self._arrival = asyncio.Event()
        self._out_since: float | None = None

    def enqueue(self, ticket: Ticket) -> None:
        """Take an update in.

        Raises:
            NotWrittenError: Too much is waiting already.
        """
        while self._queue and self._queue[0].answer.done():  # whoever asked has given up
            self._dequeue()
        if self._queued_bytes + ticket.size > QUEUE_LIMIT:
            raise NotWrittenError("too many updates wait for Kafka; nothing was written")
        self._queue.append(ticket)
        self._queued_bytes += ticket.size
        metrics.queued_bytes.inc(ticket.size)
        self._arrival.set()

    def _dequeue(self) -> None:
        ticket = self._queue.popleft()
        self._queued_bytes -= ticket.size
        metrics.queued_bytes.dec(ticket.size)

    def out_for(self) -> float:
        """Tell for how many seconds the batch on its way has been out; 0 if there is none."""
        return 0.0 if self._out_since is None else monotonic() - self._out_since

    async def run(self) -> None:
        """Send what arrives, for ever."""
        while True:
            await self._arrival.wait()
            batch = await self._journal.open_batch(self._partition)
            tickets = self._fill(batch)
            if not self._queue:
                self._arrival.clear()
            if tickets:
                await self._deliver(batch, tickets)

    def _fill(self, batch: Batch) -> list[Ticket]:
        tickets = []
        while self._queue:
            ticket = self._queue[0]
            if not ticket.answer.done():
                if not batch.append(ticket.key, ticket.value, ticket.timestamp):
                    break
                ticket.sent = True
                tickets.append(ticket)
            self._dequeue()
        return tickets

    async def _deliver(self, batch: Batch, tickets: list[Ticket]) -> None:
        metrics.batch_records.observe(len(tickets))
        self._out_since = monotonic()
        try:
            await batch.send()
        except DeliveryError as error:
            for ticket in _unanswered(tickets):
                ticket.answer.set_exception(error)
        else:
            for ticket in _unanswered(tickets):
                ticket.answer.set_result(None)
        finally:
            self._out_since = None


def _unanswered(tickets: Iterable[Ticket]) -> Iterable[Ticket]:
    return (ticket for ticket in tickets if not ticket.answer.done())


class Lanes:
    """All lanes of the topic: takes updates in, and answers once Kafka has acknowledged them."""

    def __init__(self, journal: Journal, partitions: int, deadline: float) -> None:
        self._journal = journal
        self._deadline = deadline
        self._lanes = [Lane(partition, journal) for partition in range(partitions)]
        self._tasks: asyncio.TaskGroup = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._running = [self._tasks.create_task(lane.run()) for lane in self._lanes]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._running:
            task.cancel()
        await self._tasks.__aexit__(kind, error, traceback)

    async def write(self, update: StudentRecordUpdate) -> None:
        """Write an update, and return once it is durable: acknowledged by all replicas in sync.

        Raises:
            NotWrittenError: It was not written before the deadline, and will not be.
            OutcomeUnknownError: It was sent, and not acknowledged before the deadline.
        """
        key = update.student_id.encode()
        ticket = Ticket(key, codec.encode(update), asyncio.get_running_loop().create_future())
        try:
            self._lanes[partition_for(key, len(self._lanes))].enqueue(ticket)
            async with asyncio.timeout(self._deadline):
                with metrics.in_flight.track_inprogress():
                    await ticket.answer
        except TimeoutError:
            error = self._late(ticket)
            metrics.updates.labels(error.outcome).inc()
            raise error from None
        except DeliveryError as error:
            metrics.updates.labels(error.outcome).inc()
            raise
        metrics.updates.labels("accepted").inc()
        metrics.acknowledgement.observe(monotonic() - ticket.admitted)

    def _late(self, ticket: Ticket) -> DeliveryError:
        if ticket.sent:
            return OutcomeUnknownError(
                f"Kafka did not acknowledge within {self._deadline:g} s; the update may be written, or not"
            )
        return NotWrittenError(f"Kafka took nothing within {self._deadline:g} s; nothing was written")

    def fault(self) -> str | None:
        """Tell why no update can be taken now, or None. That one partition is stuck is no reason to take none."""
        if self._journal.fault is not None:
            return self._journal.fault
        shortest = min(lane.out_for() for lane in self._lanes)
        return f"Kafka has not acknowledged a batch for {shortest:.0f} s" if shortest > self._deadline else None
