"""The end of a Kafka client, whatever has become of what it was to do."""

import asyncio

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from rollcall_domain.service.cause import explain

log = structlog.get_logger()

LIMIT = 1.0
"""Seconds for connections to be closed."""


async def close(client: AIOKafkaProducer, pause: float) -> None:
    """Close a client for good, with what it may still hold.

    aiokafka's `stop()` waits for every batch, and thus for ever where a broker is away, or a batch is given up. A
    client that was merely left would go on sending, after and between the batches of the next one. So its sender is
    ended first; each attempt ends at least one of the requests that the sender waits for.

    Args:
        client: The client. Nothing of it may harm the next one: no error is raised.
        pause: Seconds between attempts.
    """
    sending = client._sender.sender_task  # noqa: SLF001 - no public way ends it
    while sending is not None and not sending.done():
        sending.cancel()
        await asyncio.wait([sending], timeout=pause)
    connections = client.client
    synchronizing = connections._sync_task  # noqa: SLF001 - as above
    if synchronizing is not None and synchronizing.done():
        connections._sync_task = None  # noqa: SLF001 - else closing fails as that has, and leaves connections open
    try:
        async with asyncio.timeout(LIMIT):
            await connections.close()
    except Exception as error:  # noqa: BLE001 - whatever has broken the client may come up here again
        log.debug("A Kafka client could not be closed in order", reason=explain(error))
    client._closed = True  # noqa: SLF001 - else it warns that nobody has closed it


async def leave(consumer: AIOKafkaConsumer, limit: float) -> bool:
    """Close a consumer, be Kafka there or not.

    aiokafka's `stop()` ends as if its caller had been cancelled where a broker is away, and may wait for its answer.

    Args:
        consumer: The consumer. No error is raised.
        limit: Seconds after which it is left as it is.

    Returns:
        Whether it has left in order.
    """
    leaving = asyncio.create_task(consumer.stop())
    try:
        await asyncio.wait([leaving], timeout=limit)
    finally:
        leaving.cancel()
    return leaving.done() and not leaving.cancelled() and leaving.exception() is None
