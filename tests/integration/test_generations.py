"""Replicas and the generations of what they derive."""

import pytest

from rollcall_consumer.runtime import worker
from rollcall_consumer.runtime.orders import give
from rollcall_consumer.settings import of_generation
from rollcall_domain.control import SetGeneration, Step
from support.folds import SEEN, Line
from support.log import read_all
from support.services import Environment


async def _order(line: Line, *steps: Step) -> None:
    for step in steps:
        await give(SetGeneration(2, step), line.settings)


async def test_replicas_stop_and_go_on_with_the_generation_that_takes_over(environment: Environment) -> None:
    line = await Line(environment).create()
    await line.write(b"a", b"b")
    async with line.working() as work:
        await work.ready()
        await _order(line, Step.BUILD)
        await line.write(b"c")
        await line.sees(3)
        await _order(line, Step.HOLD)
        await work.fault("generation 2 is about to take over")
        await line.write(b"d")
        await _order(line, Step.SEAL, Step.SWITCH)
        await work.ready()
        assert work.worker.generation == 2
    assert await line.seen() == [b"a=1", b"b=1", b"c=1"]
    later = of_generation(line.settings, 2)
    seen = await read_all(line.servers, later.topic_name(SEEN), committed=True)
    assert [record.value for record in seen] == [b"a=1", b"b=1", b"c=1", b"d=1"]


async def test_replicas_do_not_wait_for_ever(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "HOLD_LIMIT", 0.5)
    line = await Line(environment).create()
    async with line.working() as work:
        await work.ready()
        await _order(line, Step.BUILD, Step.HOLD)
        await work.fault("generation 2 is about to take over")
        await line.write(b"a")
        await line.sees(1)
        await _order(line, Step.SEAL, Step.SWITCH)
        await line.write(b"b")
        assert await line.sees(2) == [b"a=1", b"b=1"]
        assert work.worker.generation == 1


async def test_a_replica_that_starts_meanwhile_works_on_nothing(environment: Environment) -> None:
    line = await Line(environment).create()
    await line.write(b"a")
    async with line.working() as work:
        await work.ready()
    await line.write(b"b")
    await _order(line, Step.BUILD, Step.HOLD)
    async with line.working() as work:
        await work.fault("generation 2 is about to take over")
        assert await line.offset() == 1
        await _order(line, Step.ABANDON)
        await work.ready()
    assert await line.seen() == [b"a=1", b"b=1"]
