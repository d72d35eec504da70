"""A partition's transactions: what its records have led to is written and noted to be done, all of it or nothing.

There is one transactional id for each partition. Whoever starts with it shuts out whoever had it before, for good:
what that one had begun is undone, and it can commit nothing any more.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from time import monotonic

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.producer import sender
from aiokafka.structs import OffsetAndMetadata

from rollcall_consumer import metrics
from rollcall_consumer.errors import DoubtError
from rollcall_consumer.runtime.outbox import Outbox
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.service.cause import explain
from rollcall_domain.service.closing import close
from rollcall_domain.service.connection import client_options, started
from rollcall_domain.service.records import Records
from rollcall_domain.topics import DEAD_LETTER_LIMIT

COMMIT_LIMIT = 15.0
"""Seconds for a transaction, after which it is given up."""

TRANSACTION_TIMEOUT = 30.0
"""Seconds after which Kafka itself undoes a transaction that nobody goes on with."""

RETRY = 0.01
"""Seconds between tries."""

sender.BACKOFF_OVERRIDE = 0.003
"""Seconds between tries while Kafka still completes the transaction before: mostly there is one such try."""

CLOSE_PAUSE = 0.2
"""Seconds between attempts to end what a client still does."""

RENEWAL = 2**30
"""Records of one partition after which a client is replaced: aiokafka counts them wrongly from 2^31 on."""


class Transactor:
    """The transactions of one partition, from the fencing of whoever made them before.

    Args:
        settings: The service's settings.
        name: The pipeline's name.
        index: The partition's index.
        topics: The full names of the topics that it is going to write.
    """

    def __init__(self, settings: ConsumerSettings, name: str, index: int, topics: Sequence[str] = ()) -> None:
        self._group = settings.group_id
        self._topics = topics
        self._written: Counter[TopicPartition] = Counter()
        self._client = AIOKafkaProducer(
            **client_options(settings, f"rollcall-{name}-{index}"),
            transactional_id=transactional_id(settings, name, index),
            transaction_timeout_ms=int(TRANSACTION_TIMEOUT * 1000),
            request_timeout_ms=int(COMMIT_LIMIT * 1000),
            retry_backoff_ms=int(RETRY * 1000),
            max_request_size=DEAD_LETTER_LIMIT,
        )

    async def start(self) -> None:
        """Shut out whoever had the partition before.

        Raises:
            KafkaError: Kafka can't be reached, or refuses.
            TimeoutError: Kafka does not answer.
        """
        await started(self._client)
        try:
            await self._client.client.set_topics(self._topics)  # else the first transaction waits for each of them
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Leave Kafka, whatever has become of the last transaction."""
        await close(self._client, CLOSE_PAUSE)

    @property
    def worn(self) -> bool:
        """Whether it is to be replaced."""
        return any(count >= RENEWAL for count in self._written.values())

    async def commit(self, outbox: Outbox, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        """Write what is in the outbox, and note how far the inputs are done; all of it, or nothing.

        Args:
            outbox: What is to be written.
            offsets: The offset at which each input goes on, with a note beside it.

        Raises:
            DoubtError: It may be done, or not. Nothing more can be done here: only whoever starts anew learns.
        """
        try:
            async with asyncio.timeout(COMMIT_LIMIT):
                begun = monotonic()
                await self._client.begin_transaction()
                sending = [self._send(partition, batches) for partition, batches in outbox.batches.items()]
                if offsets:
                    sending.append(self._client.send_offsets_to_transaction(offsets, self._group))
                await asyncio.gather(*sending)  # a commit does not look at what became of the records
                await self._client.commit_transaction()
                metrics.commit_seconds.observe(monotonic() - begun)
        except (KafkaError, TimeoutError) as error:
            raise DoubtError(f"a transaction failed: {explain(error)}") from error

    async def _send(self, partition: TopicPartition, batches: Sequence[Records]) -> None:
        deliveries = []
        for batch in batches:
            self._written[partition] += batch.record_count()
            batch.close()
            deliveries.append(await self._client.send_batch(batch, partition.topic, partition=partition.partition))
        for delivery in deliveries:
            await delivery


def transactional_id(settings: ConsumerSettings, name: str, index: int) -> str:
    """Name the transactions of a pipeline's partition, for whoever works on it."""
    return f"{settings.group_id}-{name}-{index}"


def redrive_name(pipeline: str) -> str:
    """Name in place of a pipeline's own name those who send its dead letters back."""
    return f"{pipeline}-redrive"
