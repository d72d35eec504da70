import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from rollcall_consumer.runtime.lag import LagCollector
from rollcall_consumer.runtime.member import Member
from rollcall_consumer.runtime.pipeline import Handler, Pipeline, Record
from rollcall_consumer.runtime.worker import Worker
from rollcall_dev.kafka import Broker, BrokerConfig
from rollcall_domain.errors import Unreadable, UnreadableRecordError
from rollcall_domain.service.provision import ensure_topics
from rollcall_domain.topics import DEAD_LETTERS, STUDENT
from support.log import configure_topic, create_topic, read_all, write
from support.services import PATIENCE, Environment


async def test_a_record_whose_handling_failed_is_handled_again(environment: Environment) -> None:
    async def handle_until_third(count: int) -> None:
        async with _working(environment, _failing_at(b"3", seen)) as worker:
            await _until(lambda: len(seen) == count, worker)

    seen: list[bytes | None] = []
    await _topics(environment)
    await write(environment.servers, environment.student, [(None, b"%d" % number) for number in range(5)], partition=0)
    with pytest.RaisesGroup(pytest.RaisesExc(RuntimeError, match="no more")):
        await handle_until_third(99)
    assert seen == [b"0", b"1", b"2"]
    async with _working(environment, lambda record: seen.append(record.value)) as worker:
        await _until(lambda: worker.ready() is None, worker)
    assert seen[-5:] == [b"0", b"1", b"2", b"3", b"4"]


async def test_tells_its_lag_in_records_and_seconds(environment: Environment) -> None:
    def measure(record: Record) -> None:
        values.append(
            {
                metric.name: sample.value
                for metric in LagCollector(lambda: worker.tasks).collect()
                for sample in metric.samples
                if sample.labels == {"partition": str(record.partition)}
            }
        )

    values: list[dict[str, float]] = []
    await _topics(environment)
    async with AIOKafkaProducer(bootstrap_servers=environment.servers, acks="all") as client:
        moment = int(asyncio.get_running_loop().time())
        for _ in range(3):
            await client.send_and_wait(environment.student, b"x", partition=2, timestamp_ms=moment)
    async with _working(environment, measure) as worker:
        await _until(lambda: worker.ready() is None, worker)
        measure(Record(environment.student, 2, 0, 0, 0, None, None, None, 0, 0, []))
    first, *_, last = values
    assert first["rollcall_lag_records"] == 3
    assert first["rollcall_lag_seconds"] > 1e9
    assert last == {"rollcall_lag_records": 0, "rollcall_lag_seconds": 0}


async def test_a_log_may_end_in_marks_of_transactions(environment: Environment) -> None:
    seen: list[bytes | None] = []
    await _topics(environment)
    client = AIOKafkaProducer(bootstrap_servers=environment.servers, transactional_id=environment.prefix)
    async with client:
        async with client.transaction():
            await client.send_and_wait(environment.student, b"kept", partition=0)
        await client.begin_transaction()
        await client.send_and_wait(environment.student, b"aborted", partition=0)
        await client.abort_transaction()
    async with _working(environment, lambda record: seen.append(record.value)) as worker:
        await _until(lambda: worker.ready() is None, worker)
        assert {task.lag() for task in worker.tasks} == {0}
    assert seen == [b"kept"]


async def test_a_dead_letter_that_is_too_large_is_cut_short_and_holds_up_nobody(environment: Environment) -> None:
    def refuse(_: Record) -> None:
        raise UnreadableRecordError(Unreadable.NOT_JSON, "by intent")

    await _topics(environment)
    configure_topic(environment.servers, environment.dead_letters, "max.message.bytes", "2000")
    await write(environment.servers, environment.student, [(b"k", b"x" * 5000)], partition=0)
    await write(environment.servers, environment.student, [(b"k", b"small")], partition=1)
    async with _working(environment, refuse) as worker:
        await _until(lambda: worker.ready() is None, worker)
    cut, small = sorted(
        await read_all(environment.servers, environment.dead_letters), key=lambda letter: letter.partition
    )
    assert small.value == b"small"
    assert cut.key == b"k"
    assert 500 < len(cut.value or b"") < 2000
    assert dict(cut.headers)["dead-letter.truncated-from"] == b"5000"
    assert "dead-letter.truncated-from" not in dict(small.headers)


async def test_a_coordinator_that_is_just_loading_the_group_does_not_make_it_begin_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def assigned(member: Member, partitions: Collection[TopicPartition]) -> None:
        if not restarts:
            broker.kill()
            restarts.append(asyncio.create_task(asyncio.to_thread(broker.start)))
        await original(member, partitions)

    restarts: list[asyncio.Task[None]] = []
    seen: list[bytes | None] = []
    original = Member.on_partitions_assigned
    with Broker(BrokerConfig(properties={"offsets.topic.num.partitions": "1"})) as broker:
        environment = Environment(broker.bootstrap_servers, "")
        await _topics(environment)
        await write(environment.servers, environment.student, [(None, b"old")] * 100, partition=0)
        async with _working(environment, lambda record: seen.append(record.value)) as worker:
            await _until(lambda: worker.ready() is None, worker)
        await _burden_coordinator(environment)
        monkeypatch.setattr(Member, "on_partitions_assigned", assigned)
        async with _working(environment, lambda record: seen.append(record.value)) as worker:
            await _until(lambda: bool(restarts) and restarts[0].done() and worker.ready() is None, worker)
            await write(environment.servers, environment.student, [(None, b"new")])
            await _until(lambda: b"new" in seen, worker)
    assert seen == [b"old"] * 100 + [b"new"]


async def _burden_coordinator(environment: Environment) -> None:
    """Commit as many offsets as make a coordinator take its time to load them."""
    await create_topic(environment.servers, "other", 1000)
    async with AIOKafkaConsumer(
        bootstrap_servers=environment.servers, group_id="other", enable_auto_commit=False
    ) as consumer:
        partitions = [TopicPartition("other", index) for index in range(1000)]
        consumer.assign(partitions)
        for offset in range(100):
            await consumer.commit(dict.fromkeys(partitions, offset))


async def _topics(environment: Environment) -> None:
    await ensure_topics([STUDENT, DEAD_LETTERS], environment.consumer())


def _failing_at(value: bytes, seen: list[bytes | None]) -> Handler:
    def handle(record: Record) -> None:
        if record.value == value:
            raise RuntimeError("no more")
        seen.append(record.value)

    return handle


@asynccontextmanager
async def _working(environment: Environment, handle: Handler) -> AsyncIterator[Worker]:
    """Run a worker with a handler; what ends it ends the body too."""
    worker = Worker(Pipeline("test", STUDENT, lambda _: handle), environment.consumer())
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(worker.run())
        yield worker
        running.cancel()


async def _until(holds: Callable[[], bool], worker: Worker) -> None:
    """Wait for something that the worker's state tells, and that can only be asked."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not holds():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"it did not come to that; ready: {worker.ready()}") from None
