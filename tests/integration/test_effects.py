import asyncio
from itertools import pairwise
from time import time

from rollcall_consumer.errors import PermanentError, UnavailableError
from rollcall_consumer.runtime.effects.effect import Delivery
from support.effects import JOBS, Handler, dead, line, parked, write
from support.services import Environment


async def test_each_record_is_handled_and_those_of_a_key_one_after_the_other(environment: Environment) -> None:
    async def act(delivery: Delivery[str]) -> None:
        key = delivery.event[0]
        assert key not in busy
        busy.add(key)
        await asyncio.sleep(0.001)
        busy.remove(key)

    busy: set[str] = set()
    handler = Handler(act)
    jobs = [(key, f"{key}{number}") for number in range(20) for key in "abc"]
    made = await line(environment, handler, *jobs)
    async with made.working():
        await handler.finished(60)
    assert sorted(handler.done) == sorted(text for _, text in jobs)
    for key in "abc":
        numbers = [int(text[1:]) for text in handler.done if text[0] == key]
        assert all(before < after for before, after in pairwise(numbers))
    assert await made.offset(JOBS) == 60


async def test_more_keys_are_at_work_at_a_time_than_there_are_partitions(environment: Environment) -> None:
    async def act(_: Delivery[str]) -> None:
        await together.wait()

    together = asyncio.Barrier(20)
    handler = Handler(act)
    made = await line(environment, handler, *[(f"k{number}", "x") for number in range(40)], lanes=20)
    async with made.working():
        await handler.finished(40)


async def test_a_slow_record_holds_up_its_own_key_alone_and_is_all_that_is_done_again(environment: Environment) -> None:
    async def act(delivery: Delivery[str]) -> None:
        if delivery.event == "a1":
            await held.wait()

    held = asyncio.Event()
    handler = Handler(act)
    made = await line(environment, handler, ("a", "a1"), ("b", "b1"), ("a", "a2"), ("b", "b2"), ("c", "c1"))
    async with made.working():
        await handler.finished(3)
        assert sorted(handler.done) == ["b1", "b2", "c1"]
        assert handler.done.index("b1") < handler.done.index("b2")
    assert (await made.offset(JOBS), handler.cut) == (0, ["a1"])
    held.set()
    async with made.working():
        await handler.finished(5)
        await write(made, ("c", "c2"))
        await handler.finished(6)
    assert handler.done[3:] == ["a1", "a2", "c2"]
    assert await made.offset(JOBS) == 6


async def test_a_failing_record_is_tried_again_and_the_later_ones_of_its_key_wait(environment: Environment) -> None:
    async def act(delivery: Delivery[str]) -> None:
        if delivery.event == "a1" and delivery.attempt < 3:
            raise ValueError("not yet")

    handler = Handler(act)
    made = await line(environment, handler, ("a", "a1"), ("a", "a2"), ("b", "b1"))
    async with made.working():
        await handler.finished(3)
    assert [text for text in handler.begun if text[0] == "a"] == ["a1", "a1", "a1", "a2"]
    ids = {delivery.id for delivery in handler.deliveries if delivery.event == "a1"}
    assert ids == {f"{made.name(JOBS)}-0-0"}
    assert await dead(made) == []
    assert await parked(made) == {}


async def test_a_record_out_of_tries_is_a_dead_letter_and_its_key_goes_on(environment: Environment) -> None:
    async def act(delivery: Delivery[str]) -> None:
        if delivery.event == "a1":
            raise ValueError(f"try {delivery.attempt}")

    handler = Handler(act)
    made = await line(environment, handler, ("a", "a1"), ("a", "a2"))
    async with made.working():
        await handler.finished(1)
    assert handler.begun == ["a1", "a1", "a1", "a2"]
    (letter,) = await dead(made)
    assert (letter.key, letter.value) == (b"a", b"a1")
    headers = dict(letter.headers)
    assert headers["dead-letter.reason"] == b"effect-failed"
    assert headers["dead-letter.detail"] == b"after 3 tries: ValueError: try 3"
    assert headers["dead-letter.group"] == made.settings.group_id.encode()
    assert headers["id"] == f"{made.name(JOBS)}-0-0".encode()
    assert await parked(made) == {}
    assert await made.offset(JOBS) == 2


async def test_what_no_other_try_mends_is_a_dead_letter_at_once(environment: Environment) -> None:
    async def act(delivery: Delivery[str]) -> None:
        if delivery.event == "a1":
            raise PermanentError("nobody is there")

    handler = Handler(act)
    made = await line(environment, handler, ("a", "a1"), ("a", "unreadable"), ("a", "a2"))
    async with made.working():
        await handler.finished(1)
    assert handler.begun == ["a1", "a2"]
    found = {
        letter.value: (dict(letter.headers)["dead-letter.reason"], dict(letter.headers)["dead-letter.detail"])
        for letter in await dead(made)
    }
    assert found == {
        b"a1": (b"refused", b"PermanentError: nobody is there"),
        b"unreadable": (b"not-json", b"by intent"),
    }


async def test_a_try_that_takes_too_long_is_cut_off_and_has_failed(environment: Environment) -> None:
    async def act(delivery: Delivery[str]) -> None:
        if delivery.attempt == 1:
            await asyncio.Event().wait()

    handler = Handler(act)
    made = await line(environment, handler, ("a", "a1"), limit=0.05)
    async with made.working():
        await handler.finished(1)
    assert (handler.begun, handler.cut) == (["a1", "a1"], ["a1"])


async def test_a_handler_that_is_cancelled_from_within_has_failed(environment: Environment) -> None:
    async def act(delivery: Delivery[str]) -> None:
        if delivery.attempt == 1:
            raise asyncio.CancelledError

    handler = Handler(act)
    made = await line(environment, handler, ("a", "a1"), ("a", "a2"))
    async with made.working():
        await handler.finished(2)
    assert handler.begun == ["a1", "a1", "a2", "a2"]


async def test_stops_before_it_empties_the_topic_into_the_dead_letters(environment: Environment) -> None:
    async def act(delivery: Delivery[str]) -> None:
        if delivery.event.startswith("bad"):
            raise PermanentError("no")

    handler = Handler(act)
    jobs = [("k", f"bad{number}") for number in range(5)]
    made = await line(environment, handler, *jobs, ("k", "good"), settings={"dead_letter_run": 3})
    async with made.working() as work:
        await work.fault("more than 3 records one after the other can't be handled")
        await write(made, ("k", "elsewhere"), partition=1)
        await handler.finished(1)
    assert handler.done == ["elsewhere"]
    assert [letter.value for letter in await dead(made)] == [b"bad0", b"bad1", b"bad2"]
    assert await made.offset(JOBS) == 3


async def test_no_more_is_begun_a_second_than_the_rate_allows(environment: Environment) -> None:
    handler = Handler()
    jobs = [(f"k{number}", "x") for number in range(60)]
    made = await line(environment, handler, *jobs, settings={"rate": 40})
    begun = asyncio.get_running_loop().time()
    async with made.working():
        await handler.finished(60)
    assert asyncio.get_running_loop().time() - begun > (60 - 20 - 4) / 40  # less what is handed out at once


async def test_once_all_fails_nothing_is_tried_but_now_and_then_and_nothing_is_lost(environment: Environment) -> None:
    async def act(delivery: Delivery[str]) -> None:
        if delivery.event.startswith("down ") and not up.is_set():
            raise UnavailableError("nobody is there")

    up = asyncio.Event()
    handler = Handler(act)
    jobs = [(f"k{number}", f"down {number}") for number in range(100)]
    made = await line(environment, handler, *jobs, *[(key, f"{text}, later") for key, text in jobs], lanes=4)
    async with made.working() as work:
        await handler.until(lambda: len(handler.begun) >= 10)
        await write(made, ("other", "elsewhere"))
        await handler.finished(1)
        await handler.until(lambda: len(handler.begun) >= 12)
        assert len({*handler.begun}) == 12  # each try is of another key
        assert {delivery.attempt for delivery in handler.deliveries} == {1}
        up.set()
        await handler.finished(201)
        assert work.worker.ready() is None
    assert handler.done[0] == "elsewhere"
    for number in range(100):
        assert handler.done.index(f"down {number}") < handler.done.index(f"down {number}, later")
    assert await dead(made) == []
    assert await made.offset(JOBS) == 201


async def test_an_effect_may_begin_with_what_comes_from_its_first_start_on(environment: Environment) -> None:
    handler = Handler()
    made = await line(environment, handler, ("a", "old"), settings={"begin": "latest"})
    async with made.working():
        await made.reaches(1, JOBS)
    await write(made, ("a", "while it was away"))
    async with made.working():
        await write(made, ("a", "new"))
        await handler.finished(2)
    assert handler.done == ["while it was away", "new"]


async def test_an_effect_may_begin_with_what_came_within_a_span(environment: Environment) -> None:
    handler = Handler()
    made = await line(environment, handler, settings={"begin": "-1h"})
    now = int(time() * 1000)
    for text, age in (("long ago", 2 * 3600), ("lately", 600), ("now", 0)):
        await made.write(text.encode(), topic=JOBS, key=b"a", timestamp_ms=now - age * 1000)
    async with made.working():
        await handler.finished(2)
    assert handler.done == ["lately", "now"]
