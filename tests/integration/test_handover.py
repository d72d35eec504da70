import asyncio

from rollcall_consumer.errors import PermanentError
from rollcall_consumer.runtime.effects.effect import Delivery
from rollcall_consumer.runtime.transactor import Transactor
from rollcall_dev.kafka import Broker, BrokerConfig
from support.effects import JOBS, Handler, dead, effect, line, until_dead, write
from support.folds import Line
from support.services import Environment


async def test_what_runs_goes_on_where_the_partition_comes_back_and_is_let_go_of_where_not(
    environment: Environment,
) -> None:
    async def act(delivery: Delivery[str]) -> None:
        if delivery.event.startswith("slow"):
            await held.wait()

    held = asyncio.Event()
    handler, other = Handler(act), Handler()
    made = await line(environment, handler)
    for index in range(6):
        await write(made, (f"k{index}", f"slow{index}"), (f"k{index}", f"next{index}"), partition=index)
    async with made.working() as work:
        await handler.until(lambda: len(handler.begun) == 6)
        async with Line(environment, effect(other)).working() as joined:
            await other.finished(6)
            moved = [task.index for task in joined.worker.tasks]
            kept = [task.index for task in work.worker.tasks]
            assert len(moved) == len(kept) == 3
            held.set()
            await handler.finished(6)
    assert sorted(handler.cut) == [f"slow{index}" for index in moved]
    assert sorted(other.begun) == sorted(f"{word}{index}" for word in ("slow", "next") for index in moved)
    assert sorted(handler.done) == sorted(f"{word}{index}" for word in ("slow", "next") for index in kept)
    assert len(handler.begun) == 6 + 3


async def test_what_is_finished_while_kafka_is_away_is_not_done_again() -> None:
    async def act(delivery: Delivery[str]) -> None:
        if delivery.event == "slow":
            await held.wait()

    held = asyncio.Event()
    handler = Handler(act)
    with Broker(BrokerConfig()) as broker:
        made = await line(Environment(broker.bootstrap_servers, ""), handler, ("a", "slow"), ("b", "b1"), ("c", "c1"))
        async with made.working() as work:
            await handler.finished(2)
            await asyncio.to_thread(broker.kill)
            held.set()
            await handler.finished(3)
            await work.until(lambda: work.worker.ready() is not None)
            await asyncio.to_thread(broker.start)
            await write(made, ("d", "d1"))
            await handler.finished(4)
        assert handler.begun == ["slow", "b1", "c1", "d1"]
        assert await made.offset(JOBS) == 4


async def test_what_a_commit_has_failed_to_note_is_noted_by_the_next_one(environment: Environment) -> None:
    async def act(delivery: Delivery[str]) -> None:
        if delivery.event == "bad":
            raise PermanentError("no")

    handler = Handler(act)
    made = await line(environment, handler)
    async with made.working() as work:
        await work.ready()
        await made.reaches(0, JOBS)
        other = Transactor(made.settings, "work", 0)  # shuts out who is at work
        await other.start()
        await other.close()
        await write(made, ("a", "bad"), ("b", "b1"))
        await work.fault("a transaction failed")
        await until_dead(made, 1)
    assert sorted(handler.begun) == ["b1", "bad"]
    assert [letter.value for letter in await dead(made)] == [b"bad"]
    assert await made.offset(JOBS) == 2
