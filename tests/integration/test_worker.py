import asyncio
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from rollcall_consumer.runtime.lag import LagCollector
from rollcall_consumer.runtime.member import Member
from rollcall_consumer.runtime.transactor import Transactor
from rollcall_dev.kafka import Broker, BrokerConfig
from support.folds import Line, Work
from support.log import configure_topic, create_topic, read_all, recreate_topic, write
from support.services import PATIENCE, Environment
from support.sums import Number, pipeline


class Crash(BaseException):
    """The end of the work; unlike an exception, it is no fault of the record."""


def number(name: str, add: int, partition: int | None = None) -> tuple[bytes | None, bytes | None]:
    return None, msgspec.json.encode(Number(name, add, partition))


async def test_what_is_derived_and_how_far_it_has_come_are_written_together(environment: Environment) -> None:
    async def work_until_third() -> None:
        async with _working(environment, fail_at_third) as work:
            await work.until(lambda: work.worker.ready() is None and len(seen) > 9)

    def fail_at_third(n: Number) -> None:
        seen.append(n.add)
        if n.add == 3:
            raise Crash

    seen: list[int] = []
    await _topics(environment)
    await _write(environment, *(number("a", n) for n in (1, 2, 3)))
    with pytest.RaisesGroup(Crash):
        await work_until_third()
    assert await _steps(environment) == []
    async with _working(environment) as work:
        await work.ready()
        await _write(environment, number("a", 4))
        await work.until(lambda: work.worker.ready() is None and not _lag(work))
    async with _working(environment) as work:
        await work.ready()
        await _write(environment, number("a", 5))
        await _await_steps(environment, 5)
    assert await _steps(environment) == [1, 3, 6, 10, 15]


async def test_an_id_has_one_effect_also_after_a_restart_and_by_the_inbox(environment: Environment) -> None:
    await _topics(environment)
    async with _working(environment, repeat_window=10) as work:
        for identity in (b"x", b"y", b"x"):
            await _send(environment, "Numbers", number("a", 1), identity)
        await _await_steps(environment, 2)
        await work.until(lambda: not _lag(work))
    async with _working(environment, repeat_window=10) as work:
        await work.ready()
        await _send(environment, "Numbers", number("a", 1), b"y")
        await _send(environment, "Numbers.Inbox", number("a", 1), b"x")
        await _send(environment, "Numbers", number("a", 1), b"z")
        await _await_steps(environment, 3)
    assert await _steps(environment) == [1, 2, 3]


async def test_a_record_goes_to_where_it_belongs_as_it_is(environment: Environment) -> None:
    await _topics(environment)
    async with AIOKafkaProducer(bootstrap_servers=environment.servers, acks="all") as client:
        (_, value), headers = number("a", 7, partition=4), [("h", b"1"), ("h", b"2")]
        sent = await client.send_and_wait(
            environment.prefix + "Numbers", value, b"k", 1, timestamp_ms=1234, headers=headers
        )
    async with _working(environment):
        await _await_steps(environment, 1)
    (forwarded,) = await read_all(environment.servers, environment.prefix + "Numbers.Inbox")
    assert (forwarded.partition, forwarded.key, forwarded.value) == (4, b"a", value)
    assert forwarded.timestamp == 1234
    assert list(forwarded.headers) == [*headers, ("id", f"{environment.prefix}Numbers-1-{sent.offset}".encode())]
    (step,) = await read_all(environment.servers, environment.prefix + "Steps")
    assert step.partition == 4


async def test_what_the_fold_fails_at_is_a_dead_letter_and_the_next_one_is_not(environment: Environment) -> None:
    def fail_at_two(n: Number) -> None:
        if n.add == 2:
            raise ValueError("two is no good")

    await _topics(environment)
    await _write(environment, *(number("a", n) for n in (1, 2, 3)))
    async with _working(environment, fail_at_two):
        await _await_steps(environment, 2)
    assert await _steps(environment) == [1, 4]
    (letter,) = await read_all(environment.servers, environment.dead_letters)
    headers = dict(letter.headers)
    assert (headers["dead-letter.reason"], headers["dead-letter.detail"]) == (
        b"fold-failed",
        b"ValueError: two is no good",
    )
    assert (letter.value, headers["dead-letter.offset"]) == (number("a", 2)[1], b"1")


async def test_stops_before_it_empties_the_topic_into_the_dead_letters(environment: Environment) -> None:
    await _topics(environment)
    await _write(environment, number("a", 1), *[(None, b"?")] * 5, number("a", 2))
    await write(environment.servers, environment.prefix + "Numbers", [number("b", 5)], partition=1)
    async with _working(environment, dead_letter_run=3) as work:
        await work.fault("partition 0")
        reason = "partition 0: more than 3 records one after the other can't be handled"
        assert work.worker.ready() == reason
        assert work.worker.live() is None
        await _await_steps(environment, 2)
        await asyncio.gather(*(_await_committed(environment, 0, 4), _await_committed(environment, 1, 1)))
    assert await _steps(environment) == [1, 5]
    assert len(await read_all(environment.servers, environment.dead_letters)) == 3


async def test_a_dead_letter_that_is_too_large_is_cut_short_and_holds_up_nobody(environment: Environment) -> None:
    await _topics(environment)
    configure_topic(environment.servers, environment.dead_letters, "max.message.bytes", "2000")
    await _write(environment, (b"k", b"x" * 5000), (b"k", b"small"))
    async with _working(environment) as work:
        await work.ready()
    cut, small = await read_all(environment.servers, environment.dead_letters)
    assert small.value == b"small"
    assert cut.key == b"k"
    assert 500 < len(cut.value or b"") < 2000
    assert dict(cut.headers)["dead-letter.truncated-from"] == b"5000"
    assert "dead-letter.truncated-from" not in dict(small.headers)


async def test_what_kafka_refuses_to_take_is_not_passed_over(environment: Environment) -> None:
    await _topics(environment)
    async with _working(environment) as work:
        await work.ready()
        configure_topic(environment.servers, environment.prefix + "Sums", "max.message.bytes", "10")
        await _write(environment, number("a", 1))
        await work.fault("a transaction failed")
        configure_topic(environment.servers, environment.prefix + "Sums", "max.message.bytes", "100000")
        await _write(environment, number("a", 2))
        await _await_steps(environment, 2)
    assert await _steps(environment) == [1, 3]


async def test_who_starts_shuts_out_who_worked_before(environment: Environment) -> None:
    await _topics(environment)
    async with _working(environment) as work:
        await work.ready()
        other = Transactor(environment.consumer(), "sums", 0)
        await other.start()
        await other.close()
        await _write(environment, number("a", 1))
        await work.fault("a transaction failed")
        await _await_steps(environment, 1)
    assert await _steps(environment) == [1]


async def test_says_that_a_topic_was_made_anew(environment: Environment) -> None:
    await _topics(environment)
    await _write(environment, *(number("a", n) for n in range(5)))
    async with _working(environment) as work:
        await _await_steps(environment, 5)
        await work.until(lambda: not _lag(work))
    await recreate_topic(environment.servers, environment.prefix + "Numbers", 6)
    async with _working(environment) as work:
        await work.fault("ends at 0, and work was done up to 5")


async def test_tells_its_lag_in_records_and_seconds(environment: Environment) -> None:
    def measure(_: object = None) -> None:
        values.append(
            {
                metric.name: sample.value
                for metric in LagCollector(work.worker).collect()
                for sample in metric.samples
                if sample.labels == {"partition": "2"}
            }
        )

    values: list[dict[str, float]] = []
    await _topics(environment)
    async with AIOKafkaProducer(bootstrap_servers=environment.servers, acks="all") as client:
        moment = int(asyncio.get_running_loop().time())
        for _ in range(3):
            await client.send_and_wait(
                environment.prefix + "Numbers", number("a", 1)[1], partition=2, timestamp_ms=moment
            )
    async with _working(environment, measure) as work:
        await work.ready()
        measure()
    first, *_, last = values
    assert first["rollcall_lag_records"] == 3
    assert first["rollcall_lag_seconds"] > 1e9
    assert (last["rollcall_lag_records"], last["rollcall_lag_seconds"]) == (0, 0)
    assert (last["rollcall_restore_records_left"], last["rollcall_restore_seconds"]) == (0, 0)


async def test_a_coordinator_that_is_just_loading_the_group_does_not_make_it_begin_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def assigned(member: Member, partitions: Collection[TopicPartition]) -> None:
        if not restarts:
            broker.kill()
            restarts.append(asyncio.create_task(asyncio.to_thread(broker.start)))
        await original(member, partitions)

    restarts: list[asyncio.Task[None]] = []
    original = Member.on_partitions_assigned
    with Broker(BrokerConfig(properties={"offsets.topic.num.partitions": "1"})) as broker:
        environment = Environment(broker.bootstrap_servers, "")
        await _topics(environment)
        await _write(environment, *[number("old", 1)] * 100)
        async with _working(environment) as work:
            await work.ready()
        await _burden_coordinator(environment)
        monkeypatch.setattr(Member, "on_partitions_assigned", assigned)
        async with _working(environment) as work:
            await work.until(lambda: bool(restarts) and restarts[0].done() and work.worker.ready() is None)
            await _write(environment, number("new", 1))
            await _await_steps(environment, 101)
        assert await _steps(environment) == [*range(1, 101), 1]


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
    await Line(environment, pipeline()).create()


async def _write(environment: Environment, *records: tuple[bytes | None, bytes | None]) -> None:
    await write(environment.servers, environment.prefix + "Numbers", records, partition=0)


async def _send(
    environment: Environment, topic: str, record: tuple[bytes | None, bytes | None], identity: bytes
) -> None:
    async with AIOKafkaProducer(bootstrap_servers=environment.servers, acks="all") as client:
        await client.send_and_wait(environment.prefix + topic, record[1], partition=0, headers=[("id", identity)])


async def _steps(environment: Environment) -> list[int]:
    """Read what was derived, as far as it is committed."""
    steps = await read_all(environment.servers, environment.prefix + "Steps", committed=True)
    return [msgspec.json.decode(step.value or b"")["total"] for step in steps]


async def _await_steps(environment: Environment, count: int) -> None:
    """Wait until so many steps are committed."""
    steps: list[int] = []
    try:
        async with asyncio.timeout(PATIENCE):
            while len(steps := await _steps(environment)) < count:  # noqa: ASYNC110 - a log can only be asked
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"{count} steps did not come; committed are {steps}") from None


async def _await_committed(environment: Environment, partition: int, offset: int) -> None:
    """Wait until the group has committed an offset."""
    async with (
        asyncio.timeout(PATIENCE),
        AIOKafkaConsumer(
            bootstrap_servers=environment.servers, group_id=environment.consumer().group_id, enable_auto_commit=False
        ) as consumer,
    ):
        place = TopicPartition(environment.prefix + "Numbers", partition)
        while await consumer.committed(place) != offset:  # noqa: ASYNC110 - can only be asked
            await asyncio.sleep(0.05)


def _lag(work: Work) -> int:
    return sum(task.job.lag() or 0 for task in work.worker.tasks)


def _working(
    environment: Environment, watch: Callable[[Number], None] = lambda _: None, **settings: object
) -> AbstractAsyncContextManager[Work]:
    """Run a worker; what ends it ends the body too."""
    return Line(environment, pipeline(watch), **settings).working()
