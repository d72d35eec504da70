"""Committed offsets: written for all partitions at once, and read without mistaking an error for none."""

import asyncio
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, for_code
from aiokafka.protocol.commit import OffsetFetchRequest

from rollcall_consumer import metrics

log = structlog.get_logger()

INTERVAL = 0.1
"""Seconds between commits: what a crash repeats at the most, beside the chunk in hand."""


class Offsets:
    """The offsets up to which a replica has handled its partitions."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._handled: dict[TopicPartition, int] = {}
        self._arrival = asyncio.Event()
        self._turn = asyncio.Lock()

    def handled(self, partition: TopicPartition, offset: int) -> None:
        """Note that all before an offset is handled."""
        self._handled[partition] = offset
        self._arrival.set()

    async def run(self) -> None:
        """Commit what is noted, until cancelled."""
        while True:
            await self._arrival.wait()
            await self.commit()
            await asyncio.sleep(INTERVAL)

    async def commit(self) -> None:
        """Commit what is noted; aiokafka repeats it for as long as Kafka is away."""
        async with self._turn:
            self._arrival.clear()
            handled, self._handled = self._handled, {}
            if not handled:
                return
            try:
                await self._consumer.commit(handled)
            except (CommitFailedError, IllegalStateError):
                # Their next owners begin at the last commit, and handle again what came after it.
                log.warning("Lost partitions before a commit", partitions=sorted(tp.partition for tp in handled))
            else:
                metrics.commits.inc()


def refuse_failed_fetches(consumer: AIOKafkaConsumer) -> None:
    """Have aiokafka repeat a fetch of committed offsets that failed as a whole.

    aiokafka 0.14 overlooks the error code of the answer, as a coordinator gives it that is just loading the group. It
    takes the partitions for never committed, and the group would handle its topics again from the first record.

    Args:
        consumer: A consumer that has been started.
    """
    coordinator = consumer._coordinator  # noqa: SLF001 - no public way comes between
    send = coordinator._send_req  # noqa: SLF001

    async def checked(request: Any) -> Any:  # noqa: ANN401 - aiokafka ships no types
        response = await send(request)
        if isinstance(request, OffsetFetchRequest) and response.error_code:
            coordinator.coordinator_dead()
            error = for_code(response.error_code)
            raise error("the committed offsets could not be fetched")
        return response

    coordinator._send_req = checked  # noqa: SLF001
