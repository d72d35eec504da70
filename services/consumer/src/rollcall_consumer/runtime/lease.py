"""For how long a replica may take it that nobody else works on its partitions.

A process that was frozen, or cut off from Kafka, does not know that others have taken its place until it asks. What it
writes is refused then; what it does to the outside world can't be. So it begins nothing there once the group may have
given it up.
"""

import asyncio
from time import monotonic

from aiokafka import AIOKafkaConsumer


class Lease:
    """The time for which the group keeps a member without hearing of it.

    Args:
        seconds: How long that is.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until = 0.0
        self._renewed = asyncio.Event()

    @property
    def valid(self) -> bool:
        """Whether the group still keeps its member."""
        return monotonic() < self._until

    def renew(self, heard: float) -> None:
        """Hear that the group has heard of its member, at the earliest at a time of the monotonic clock."""
        self._until = heard + self._seconds
        self._wake()

    def end(self) -> None:
        """Wake who waits for it: there is another one."""
        self._wake()

    async def renewed(self) -> None:
        """Wait until it is renewed, or there is another one."""
        await self._renewed.wait()

    def _wake(self) -> None:
        self._renewed.set()
        self._renewed = asyncio.Event()


def renew_by_heartbeats(lease: Lease, consumer: AIOKafkaConsumer) -> None:
    """Renew a lease whenever the group has taken a heartbeat.

    Args:
        lease: The lease.
        consumer: The member, which has been started.
    """
    coordinator = consumer._coordinator  # noqa: SLF001 - no public way tells of heartbeats
    beat = coordinator._do_heartbeat  # noqa: SLF001 - as above

    async def heartbeat() -> bool:
        sent = monotonic()
        taken: bool = await beat()
        if taken:
            lease.renew(sent)
        return taken

    coordinator._do_heartbeat = heartbeat  # noqa: SLF001 - as above
