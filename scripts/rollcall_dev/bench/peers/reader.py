"""aiokafka's consumer at the beginning of a log, before it has fetched anything of it."""

import contextlib
from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer

from rollcall_dev.bench.load.chores import Log


@contextlib.asynccontextmanager
async def standing(bootstrap_servers: str, log: Log, group: str | None = None) -> AsyncIterator[AIOKafkaConsumer]:
    """Have one while the body runs: it fetches as soon as the partition is resumed."""
    async with AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers,
        group_id=group,
        enable_auto_commit=False,
        isolation_level="read_committed",
    ) as consumer:
        consumer.assign([log.partition])
        consumer.seek(log.partition, 0)
        consumer.pause(log.partition)
        await consumer.end_offsets([log.partition])  # by then it knows who leads it, as ours does
        yield consumer
