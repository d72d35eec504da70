"""Records that lie in another partition than they belong to."""

from support.folds import INBOX, SOURCE, Line
from support.services import Environment


async def test_a_misplaced_record_is_sent_on_as_it_is(environment: Environment) -> None:
    line = await Line(environment).create()
    headers = [("id", b"1"), ("empty", b""), ("null", None), ("bytes", b"\xff\x00")]
    await line.write(b"to 3 key", headers=headers, key=b"any", timestamp_ms=1_795_456_578_650)
    await line.write(b"to 3 key")
    async with line.working() as work:
        await work.ready()
        await line.sees(2)
    first, second = await line.records(INBOX)
    assert (first.partition, first.key, first.value) == (3, b"key", b"to 3 key")
    assert (first.timestamp, [*first.headers]) == (1_795_456_578_650, headers)
    assert [*second.headers] == [("id", f"{line.name(SOURCE)}-0-1".encode())]
    assert await line.seen() == [b"to 3 key=1", b"to 3 key=2"]


async def test_a_misplaced_record_with_a_null_id_gets_one(environment: Environment) -> None:
    line = await Line(environment).create()
    await line.write(b"to 3 key", b"to 3 key", headers=[("id", None)])
    async with line.working() as work:
        await work.ready()
        assert await line.sees(2) == [b"to 3 key=1", b"to 3 key=2"]


async def test_what_is_sent_on_is_sent_once_wherever_the_worker_goes_on(environment: Environment) -> None:
    line = await Line(environment).create()
    await line.write(b"to 3 key")
    async with line.working() as work:
        await work.ready()
        await line.sees(1)
    await line.commit(0)
    await line.write(b"more")
    async with line.working() as work:
        await work.ready()
        await line.sees(2)
        await line.write(b"last", partition=3)
        seen = await line.sees(3)
    assert seen == [b"more=1", b"to 3 key=1", b"last=1"]


async def test_a_record_is_not_sent_on_that_was_handled_where_it_belongs(environment: Environment) -> None:
    line = await Line(environment).create()
    await line.write(b"to 3 key", headers=[("id", b"1")], partition=3)
    await line.run()
    await line.write(b"to 3 key", headers=[("id", b"1")])
    await line.write(b"after", topic=INBOX, partition=3, headers=[("id", b"2")])
    async with line.working() as work:
        await work.ready()
        await line.write(b"after", partition=0)
        await line.sees(3)
        await line.write(b"last", topic=INBOX, partition=3)
        seen = await line.sees(4)
    assert seen == [b"after=1", b"to 3 key=1", b"after=1", b"last=1"]
