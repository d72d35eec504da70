"""The log from any place, a piece at a time: for reads of what has been, which come and go.

A consumer that is given other partitions to read has to end a request that waits at the broker. Here nothing waits:
each piece is asked for by itself, and what a reader does not want of it is passed by as bytes.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from struct import Struct
from typing import NamedTuple

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.errors import KafkaError, NotLeaderForPartitionError, RecordTooLargeError, for_code
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.memory_records import MemoryRecords

from rollcall_domain.service.closing import leave
from rollcall_domain.service.connection import client_options, persist, started
from rollcall_domain.service.records import Record
from rollcall_domain.service.settings import ServiceSettings
from rollcall_domain.service.source import Portion
from rollcall_producer.errors import UnreadableLogError

log = structlog.get_logger()

PORTION = 1024 * 1024
"""Bytes that are asked for at a time."""

TRIES = 20
"""Times that a piece is asked for while a partition changes its leader."""

ANSWER_LIMIT = 5.0
"""Seconds for Kafka to answer one question."""

CLOSE_LIMIT = 1.0
"""Seconds for leaving Kafka."""

Sieve = Callable[[bytes, int, int], bool]
"""Tells of a batch, given as bytes from one place to another, whether a record may be in it that is wanted."""

_HEAD = Struct(">qiibIhi")
"""Base offset, bytes behind this number, epoch, version, checksum, attributes, last offset less the base offset."""

_PREFIX = 12
"""Bytes before those that a batch's length counts."""

_VERSION = 2

_WITH_BEGIN = 5
"""Version of an answer from which on it tells where a partition begins."""

_MANY = 1000
"""Records that are decoded at a time."""

_COMPRESSED = 0x07


class Piece(NamedTuple):
    """What a broker has given of a partition.

    Attributes:
        data: Batches of records.
        given_up: Transactions among them that were given up, as aiokafka has them.
    """

    data: bytes
    given_up: Collection[object]


class Archive:
    """The log, as far as Kafka has it."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._connected: AIOKafkaConsumer | None = None

    async def run(self) -> None:
        """Stay connected until cancelled."""
        self._connected = await persist(self._connect, self._settings)
        try:
            await asyncio.Event().wait()
        finally:
            await leave(self._connected, CLOSE_LIMIT)

    async def _connect(self) -> AIOKafkaConsumer:
        options = client_options(self._settings, "rollcall-archive")
        return await started(AIOKafkaConsumer(**options, enable_auto_commit=False, isolation_level="read_committed"))

    @property
    def _consumer(self) -> AIOKafkaConsumer:
        if self._connected is None:
            raise UnreadableLogError("there is no connection to Kafka yet")
        return self._connected

    async def bounds(self, partitions: Sequence[TopicPartition], since: int | None = None) -> list[tuple[int, int]]:
        """Find out where partitions begin and end.

        Args:
            partitions: The partitions.
            since: The time of the first record that counts, in milliseconds since 1970, UTC; None if all count.

        Returns:
            For each partition its first offset that counts, and the one that comes after its last.

        Raises:
            KafkaError: Kafka refuses.
            TimeoutError: Kafka does not answer.
            UnreadableLogError: There is no connection to Kafka yet.
        """
        consumer = self._consumer
        async with asyncio.timeout(ANSWER_LIMIT):
            ends = await self.ends(partitions)
            if since is None:
                begins = await consumer.beginning_offsets(partitions)
                return [(begins[partition], end) for partition, end in zip(partitions, ends, strict=True)]
            found = await consumer.offsets_for_times(dict.fromkeys(partitions, max(0, since)))
        firsts = [found[partition] for partition in partitions]
        return [(end if first is None else first.offset, end) for first, end in zip(firsts, ends, strict=True)]

    async def ends(self, partitions: Sequence[TopicPartition]) -> list[int]:
        """Find out where partitions end.

        Raises:
            KafkaError: Kafka refuses.
            TimeoutError: Kafka does not answer.
            UnreadableLogError: There is no connection to Kafka yet.
        """
        consumer = self._consumer
        async with asyncio.timeout(ANSWER_LIMIT):
            ends = await consumer.end_offsets(partitions)
        return [ends[partition] for partition in partitions]

    async def scan(self, partition: TopicPartition, begin: int, end: int, sieve: Sieve) -> AsyncIterator[list[Record]]:
        """Read a partition from an offset to another one, but for batches of which nothing is wanted.

        Raises:
            KafkaError: Kafka refuses.
            TimeoutError: Kafka does not answer.
        """
        while begin < end:
            portion, reached = await self.read(partition, begin, sieve)
            if reached == begin:
                return  # what lies there is not committed
            if portion is not None:
                for read in portion.pieces(_MANY):
                    yield [record for record in read if record.offset < end]
            begin = reached

    async def read(
        self, partition: TopicPartition, begin: int, sieve: Sieve, size: int = PORTION
    ) -> tuple[Portion | None, int]:
        """Read a piece of a partition, but for batches of which nothing is wanted.

        Args:
            partition: The partition.
            begin: The offset at which to begin.
            sieve: Tells what is wanted.
            size: Bytes to ask for, and more only where a single batch has more.

        Returns:
            What is wanted, if there is any; and the offset that comes after the piece, which is the same as before if
            what lies there is not committed.

        Raises:
            KafkaError: Kafka refuses.
            TimeoutError: Kafka does not answer.
        """
        async with asyncio.timeout(ANSWER_LIMIT):
            piece = await self._fetch(partition, begin, size)
        kept, reached = sift(piece.data, sieve if not piece.given_up else _all)
        if reached <= begin:
            return None, begin
        if not kept:
            return None, reached
        records = MemoryRecords(kept)
        fetched = PartitionRecords(partition, records, piece.given_up, begin, None, None, True, READ_COMMITTED)
        return Portion(partition, fetched), reached

    async def _fetch(self, partition: TopicPartition, offset: int, size: int) -> Piece:
        client = self._consumer._client  # noqa: SLF001 - no public way asks for one piece
        for left in reversed(range(TRIES)):
            leader = client.cluster.leader_for_partition(partition)
            try:
                if leader in {None, -1}:
                    client.add_topic(partition.topic)  # it may be one that was never asked about
                    raise NotLeaderForPartitionError(str(partition))
                return await self._ask(leader, partition, offset, size)
            except KafkaError as error:
                if not (left and error.retriable):
                    raise
                log.debug("Asking again", partition=str(partition), reason=str(error))
                await client.force_metadata_update()
        raise AssertionError  # the last try has raised

    async def _ask(self, leader: int, partition: TopicPartition, offset: int, size: int) -> Piece:
        topics = [(partition.topic, [(partition.partition, offset, size)])]
        response = await self._consumer._client.send(leader, FetchRequest(0, 0, size, READ_COMMITTED, topics))  # noqa: SLF001 - as above
        ((_, ((_, code, _, _, *rest),)),) = response.topics
        if code:
            raise for_code(code)(f"{partition.topic} {partition.partition} at {offset}")
        given_up = rest[1] if response.API_VERSION >= _WITH_BEGIN else rest[0]
        return Piece(rest[-1], given_up or ())


def _all(_: bytes, begin: int, end: int) -> bool:
    return end > begin


def sift(data: bytes, sieve: Sieve) -> tuple[bytes, int]:
    """Leave out batches of which nothing is wanted.

    Args:
        data: Batches of records, the last of which may be cut off.
        sieve: Tells which are wanted. Those that it can't look into, because they are compressed, always are.

    Returns:
        The batches that may be wanted; and the offset that comes after all of them, or -1 if there is no whole one.

    Raises:
        RecordTooLargeError: There is a batch that is cut off, and no other.
    """
    kept, reached = [], -1
    for begin, end, attributes, following in _batches(data):
        reached = following
        if attributes & _COMPRESSED or sieve(data, begin, end):
            kept.append(data[begin:end])
    if reached == -1 and data:
        raise RecordTooLargeError("a batch of records is larger than what is asked for at a time")
    return b"".join(kept), reached


def _batches(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Give of each whole batch where it begins and ends, its attributes, and the offset that comes after it."""
    begin = 0
    while len(data) - begin >= _HEAD.size:
        base, length, _, version, _, attributes, last = _HEAD.unpack_from(data, begin)
        end = begin + _PREFIX + length
        if end > len(data):
            return
        if version != _VERSION:
            raise KafkaError(f"records of version {version}, which Kafka 4 does not keep")
        yield begin, end, attributes, base + last + 1
        begin = end
