"""Step 4 of an update's way: a batch to Kafka, acknowledged by all replicas in sync.

aiokafka is used by its batch API: `send()` for each record takes six times as long, and loses order under load.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from time import monotonic
from typing import Any, NamedTuple

import structlog
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import TopicPartition

from rollcall_domain.errors import RollcallError
from rollcall_domain.service.cause import Overheard, explain, is_denial, is_refusal
from rollcall_domain.service.closing import close
from rollcall_producer.client import Client
from rollcall_producer.errors import BatchTooLargeError, DeliveryError, NotWrittenError, OutcomeUnknownError

log = structlog.get_logger()

STALL = 60.0
"""Seconds after which a batch is given up whose partition has a leader, and the client with it."""

CLOSE_LIMIT = 1.0
"""Seconds for each step of closing a client."""

RENEWAL = 2**30
"""Records of one partition after which a client is replaced: aiokafka counts them wrongly from 2^31 on."""


class RenewalError(RollcallError):
    """A client that is to be replaced by its age."""


class Connection:
    """A Kafka client from its start until a batch fails on it.

    A failed batch leaves a gap in the sequence of its partition, and no later one is taken from this client.

    Attributes:
        failed: Done, with the error, once the client is to be replaced.
    """

    def __init__(self, client: Client) -> None:
        self.failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        self._client = client
        self._topic = client.topic
        self._closing = False
        self._has_given_up = False
        self._out: dict[asyncio.Future[int | None], _Voyage] = {}
        self._written: Counter[int] = Counter()
        self._first_partitions = self.partitions

    @property
    def partitions(self) -> int:
        """How many partitions the topic has, as far as the client knows."""
        return len(self._all_partitions())

    def _all_partitions(self) -> Collection[int]:
        return self._client.client.cluster.partitions_for_topic(self._topic) or ()

    def leader(self, partition: int) -> int | None:
        """Tell which broker leads a partition, or None."""
        leader: int | None = self._client.client.cluster.leader_for_partition(TopicPartition(self._topic, partition))
        return None if leader == -1 else leader

    def fail(self, error: BaseException) -> None:
        """Have the client replaced."""
        if not self.failed.done():
            self.failed.set_result(error)

    async def send(self, partition: int, builder: BatchBuilder) -> int | None:
        """Send a batch, and return once it is acknowledged.

        There is no deadline here but `STALL`: the idempotent client repeats a batch until it is in the log once, and
        whoever sent another one before that would risk the order. Callers who can't wait give up by themselves.

        Returns:
            The offset of its first record; None if Kafka does not say, because it had the batch already.

        Raises:
            NotWrittenError: Kafka has refused the batch, or there is no such partition any more.
            OutcomeUnknownError: The client has failed meanwhile.
        """
        self._check_partition(partition)
        self._count(partition, builder.record_count())
        try:
            delivery = await self._client.send_batch(builder, self._topic, partition=partition)
        except KafkaError as error:
            self.fail(error)
            raise NotWrittenError(f"the Kafka client has failed ({_name(error)}); nothing was written") from error
        delivery.cancel()  # which is a shield of the batch's own future
        batch = self._client.queued(partition)
        try:
            return await self._delivered(batch.future, partition)
        except (KafkaError, TimeoutError) as error:
            self.fail(error)
            raise _delivery_error(error, tries=batch.retry_count) from error

    def _check_partition(self, partition: int) -> None:
        """Make sure that a partition is still there: somebody may have deleted the topic, or made it anew.

        Whoever waited here for it to come back would wait for ever, should the client be closed meanwhile. A partition
        that was not there in the first place is no reason for another client.
        """
        if partition in self._all_partitions():
            return
        error = NotWrittenError(f"topic {self._topic} has no partition {partition} any more; nothing was written")
        if partition < self._first_partitions:
            self.fail(error)
        raise error

    def _count(self, partition: int, records: int) -> None:
        self._written[partition] += records
        if self._written[partition] >= RENEWAL:
            self.fail(RenewalError("it has written as many records as it may"))

    async def _delivered(self, delivery: asyncio.Future[Any], partition: int) -> int | None:
        """Wait until a batch is acknowledged; gives the offset of its first record, if it is known.

        Raises:
            KafkaError: It failed.
            TimeoutError: It will not arrive, as far as can be known.
        """
        arrival: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._out[arrival] = _Voyage(partition, monotonic())
        delivery.add_done_callback(partial(_pass_on, arrival))
        try:
            return await arrival
        finally:
            del self._out[arrival]

    def check(self) -> None:
        """Have the client replaced if it can't work any more, and give up what will not arrive. To be called often."""
        client = self._client
        tasks = (client._sender.sender_task, client.client._sync_task)  # noqa: SLF001 - no public way to see them end
        if any(task is None or task.done() for task in tasks):
            self.fail(KafkaError("a task of the client has ended"))
        self._give_up()

    def _give_up(self) -> None:
        for arrival, voyage in self._out.items():
            if not arrival.done() and not self._may_arrive(voyage):
                arrival.set_exception(TimeoutError())
                self._has_given_up = True

    def _may_arrive(self, voyage: "_Voyage") -> bool:
        """Tell whether a batch is worth waiting for: one whose partition has no leader is, for as long as it takes."""
        if self._closing or voyage.partition not in self._all_partitions():
            return False
        return monotonic() - voyage.begin < STALL or self.leader(voyage.partition) is None

    async def look(self, limit: float) -> int | None:
        """Find out whether Kafka answers within a time in seconds. A client that it refuses is to be replaced.

        Returns:
            How many partitions the topic has now (0 if it is gone), or None if there is no answer.
        """
        with Overheard() as heard:
            try:
                async with asyncio.timeout(limit):
                    return await self._count_partitions()
            except (KafkaError, TimeoutError) as error:
                cause = heard.cause(error)
        if is_refusal(cause):
            self.fail(cause)
        return None

    async def _count_partitions(self) -> int:
        cluster = await self._client.client.fetch_all_metadata()
        partitions = len(cluster.partitions_for_topic(self._topic) or ())
        if partitions != self.partitions:
            await self._client.client.force_metadata_update()
        return partitions

    async def close(self) -> None:
        """Close the client for good, with what it may still hold: in order, if all of that may still arrive."""
        if self._out:
            await asyncio.wait(self._out, timeout=CLOSE_LIMIT)
        self._closing = True
        if not self._has_given_up and all(arrival.done() for arrival in self._out):
            await _bounded(self._client.stop)
        self._give_up()
        await close(self._client, CLOSE_LIMIT)


class _Voyage(NamedTuple):
    partition: int
    begin: float


def _pass_on(arrival: asyncio.Future[int | None], delivery: asyncio.Future[Any]) -> None:
    error = asyncio.CancelledError() if delivery.cancelled() else delivery.exception()
    if arrival.done():
        return
    if error is None:
        written = delivery.result()
        arrival.set_result(None if written is None or written.offset < 0 else written.offset)
    else:
        arrival.set_exception(error)


async def _bounded(step: Callable[[], Awaitable[None]]) -> None:
    """Take a step of closing a client. Whatever has broken the client may come up here again."""
    try:
        async with asyncio.timeout(CLOSE_LIMIT):
            await step()
    except TimeoutError:
        pass
    except Exception as error:  # noqa: BLE001 - nothing of a client that is given up may harm the next one
        log.debug("A Kafka client could not be closed in order", reason=explain(error))


def _delivery_error(error: Exception, tries: int) -> DeliveryError:
    if tries == 1:  # of several, an earlier one may have been written, and its answer lost
        if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
            return BatchTooLargeError(f"Kafka refused the batch as too large ({_name(error)}); nothing was written")
        if is_denial(error):
            return NotWrittenError(f"Kafka refused the batch ({explain(error)}); nothing was written")
    return OutcomeUnknownError(f"Kafka failed ({_name(error)}); the update may be written, or not")


def _name(error: Exception) -> str:
    return type(error).__name__.removesuffix("Error")
