"""Records that can't be handled, and how many of them there may be."""

from rollcall_domain.topics import DEAD_LETTERS
from support.folds import Line
from support.services import Environment


async def test_a_dead_letter_is_its_original_byte_for_byte(environment: Environment) -> None:
    line = await Line(environment).create()
    headers = [("id", None), ("empty", b""), ("null", None), ("null", b"\xff")]
    await line.write(b"refuse \xff\x00", headers=headers, partition=4, timestamp_ms=1_795_456_578_650)
    await line.write(b"refuse", headers=headers, partition=5, key=b"")
    await line.run()
    without_key, with_empty_key = await line.records(DEAD_LETTERS)
    assert (without_key.partition, without_key.key, without_key.value) == (4, None, b"refuse \xff\x00")
    assert without_key.timestamp == 1_795_456_578_650
    assert (with_empty_key.partition, with_empty_key.key) == (5, b"")
    for letter in (without_key, with_empty_key):
        assert [*letter.headers][:4] == headers


async def test_a_stopped_partition_goes_on_where_it_stopped_once_more_is_tolerated(environment: Environment) -> None:
    line = await Line(environment, dead_letter_run=3, dead_letter_share=1).create()
    await line.write(b"a", *[b"fail"] * 5, b"b")
    async with line.working() as work:
        await work.fault("partition 0")
    await Line(environment, dead_letter_run=10, dead_letter_share=1).run()
    assert (await line.seen(), await line.offset()) == ([b"a=1", b"b=1"], 7)
    offsets = [int(dict(letter.headers)["dead-letter.offset"] or b"") for letter in await line.records(DEAD_LETTERS)]
    assert offsets == [1, 2, 3, 4, 5]


async def test_too_large_a_share_stops_the_partition(environment: Environment) -> None:
    line = await Line(environment, dead_letter_share=0.01).create()
    await line.write(*[b"refuse", b"a"] * 20)
    async with line.working() as work:
        await work.fault("partition 0: more than 10 of 1000 records can't be handled")
    assert (len(await line.records(DEAD_LETTERS)), await line.offset()) == (10, 20)
    assert len(await line.seen()) == 10
