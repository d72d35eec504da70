"""The obvious way of effects: one record after the other, and a commit every second."""

from time import monotonic

from rollcall_dev.bench.load.chores import Log, read
from rollcall_dev.bench.peers.handling import Handling, Job, compete
from rollcall_dev.bench.peers.reader import standing

_COMMIT_PAUSE = 1.0


async def handle(job: Job, log: Log, handling: Handling) -> None:
    """Handle all of a log."""
    async with standing(job.bootstrap_servers, log, job.group) as consumer:
        handling.begin()
        consumer.resume(log.partition)
        committed = monotonic()
        while not handling.finished.is_set():
            record = await consumer.getone()
            await handling.handle(read(record.value))
            if monotonic() - committed > _COMMIT_PAUSE:
                await consumer.commit()
                committed = monotonic()
        await consumer.commit()
        handling.commit()


if __name__ == "__main__":
    compete(handle)
