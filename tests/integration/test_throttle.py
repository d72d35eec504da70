"""How fast a group may go, and who says so."""

from rollcall_consumer.runtime.orders import give
from rollcall_domain.control import SetRate
from rollcall_domain.service.provision import ensure_topics
from rollcall_domain.topics import CONTROL
from support.folds import INBOX, Line
from support.log import write
from support.services import Environment

HARDLY = 0.001
"""Records a second, of which a group handles one and then none for a quarter of an hour."""


async def test_a_rate_is_kept_until_operators_say_otherwise(environment: Environment) -> None:
    line = await Line(environment, rate=HARDLY).create()
    await line.write(*[b"a"] * 2000)
    async with line.working() as work:
        assert await line.sees(1) == [b"a=1"]
        assert await line.offset() == 1
        assert {task.job.lag() for task in work.worker.tasks if task.index == 0} == {1999}
        assert "catching up" in (work.worker.ready() or "")
        await give(SetRate(0), line.settings)
        await work.ready()
    assert await line.seen() == [b"a=%d" % count for count in range(1, 2001)]


async def test_an_order_holds_for_replicas_that_start_later_and_until_it_is_taken_back(
    environment: Environment,
) -> None:
    line = await Line(environment).create()
    await ensure_topics([CONTROL], line.settings)
    await give(SetRate(HARDLY), line.settings)
    await write(line.servers, line.name(CONTROL), [(None, b"no order"), (None, b'{"Order":"of-tomorrow"}')], 0)
    await line.write(*[b"a"] * 5)
    async with line.working() as work:
        assert await line.sees(1) == [b"a=1"]
        await give(SetRate(None), line.settings)
        await work.ready()
    assert len(await line.seen()) == 5


async def test_inputs_take_turns_where_not_all_can_be_handled(environment: Environment) -> None:
    line = await Line(environment, rate=20).create()
    await line.write(*[b"source"] * 1000)
    await line.write(*[b"inbox"] * 1000, topic=INBOX)
    async with line.working():
        seen = await line.sees(20)
    assert abs(seen.index(b"source=1") - seen.index(b"inbox=1")) <= 12
    assert any(value and value.startswith(b"inbox=4") for value in seen)


async def test_a_turn_that_leaves_records_in_hand_neither_loses_nor_doubles_any(environment: Environment) -> None:
    line = await Line(environment, rate=400).create()
    await line.write(*[b"a"] * 300)
    async with line.working():
        await line.sees(60)
    async with line.working() as work:
        await line.sees(120)
        await give(SetRate(0), line.settings)
        await work.ready()
    assert await line.seen() == [b"a=%d" % count for count in range(1, 301)]
