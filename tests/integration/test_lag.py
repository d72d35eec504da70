"""How far a worker is behind, and how it knows that it is not."""

from time import time

from aiokafka import AIOKafkaProducer

from rollcall_consumer.runtime.folds.fold import Outputs, Share
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.service.records import Record
from support.folds import INBOX, SEEN, SOURCE, Counting, Line, counting
from support.services import Environment


async def test_a_log_may_end_in_marks_of_transactions(environment: Environment) -> None:
    line = await Line(environment).create()
    await line.write(b"first")
    client = AIOKafkaProducer(bootstrap_servers=line.servers, transactional_id=environment.prefix)
    async with client:
        for topic in (SOURCE, INBOX):
            async with client.transaction():
                await client.send_and_wait(line.name(topic), b"kept", partition=0)
            await client.begin_transaction()
            await client.send_and_wait(line.name(topic), b"undone", partition=0)
            await client.abort_transaction()
    async with line.working() as work:
        await work.ready()
        assert {task.job.lag() for task in work.worker.tasks} == {0}
    assert sorted(map(bytes, filter(None, await line.seen()))) == [b"first=1", b"kept=1", b"kept=2"]
    async with line.working() as work:
        await work.ready()
        assert {task.job.lag() for task in work.worker.tasks} == {0}


async def test_what_is_not_committed_yet_is_not_seen_and_holds_up_nothing_before_it(environment: Environment) -> None:
    line = await Line(environment).create()
    async with line.working() as work:
        await work.ready()
        async with AIOKafkaProducer(bootstrap_servers=line.servers, transactional_id=environment.prefix) as client:
            await line.write(b"before")
            async with client.transaction():
                await client.send_and_wait(line.name(SOURCE), b"within", partition=0)
                await line.write(b"behind")
                assert await line.sees(1) == [b"before=1"]
        assert await line.sees(3) == [b"before=1", b"within=1", b"behind=1"]


class Timing(Counting):
    """Notes when the clock was looked at: what had been seen by then."""

    def __init__(self, share: Share, settings: ConsumerSettings) -> None:
        super().__init__(share, settings)
        self._due: int | None = None
        self._rings: list[bytes] = []
        self._given = 0

    def count(self, record: Record, cause: bytes) -> None:
        """Have the clock looked at at the time that a record says."""
        super().count(record, cause)
        self._given += 1
        self._due = int(record.value or b"0")

    def next_due(self) -> int | None:
        """Tell when."""
        return self._due

    def tick(self, now: int) -> None:
        """Note it, once."""
        if self._due is not None and self._due <= now:
            self._rings.append(b"rang after %d" % self._given)
            self._due = None

    def take(self) -> Outputs:
        """Give what was noted."""
        rings, self._rings = self._rings, []
        return [*super().take(), (SEEN, [(b"clock", ring, 0) for ring in rings])]


async def test_the_clock_rings_once_all_is_handled_that_was_written_before(environment: Environment) -> None:
    line = await Line(environment, counting(Timing)).create()
    await line.write(*[b"1"] * 3000)
    async with line.working() as work:
        await work.ready()
        seen = await line.sees(3001)
    assert [value for value in seen if value and value.startswith(b"rang")] == [b"rang after 3000"]


async def test_the_clock_rings_in_time_although_no_record_comes(environment: Environment) -> None:
    line = await Line(environment, counting(Timing)).create()
    async with line.working() as work:
        await work.ready()
        due = int((time() + 0.5) * 1000)
        await line.write(b"%d" % due)
        await line.sees(2)
        assert 0 <= time() - due / 1000 < 5
    _, ring = await line.records(SEEN)
    assert ring.value == b"rang after 1"
