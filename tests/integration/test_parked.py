from rollcall_consumer.runtime.effects.effect import Delivery
from rollcall_consumer.runtime.orders import give
from rollcall_domain.control import GiveUp, Release
from support.effects import JOBS, Handler, dead, line, parked, until_dead, until_parked, write
from support.log import delete_records
from support.services import Environment

LONG = 300.0


async def fail(_: Delivery[str]) -> None:
    raise ValueError("no")


async def test_what_is_known_of_a_parked_record_can_be_read(environment: Environment) -> None:
    made = await line(environment, Handler(fail), ("a", "a1"), ("a", "a2"), first_pause=LONG, longest_pause=LONG)
    async with made.working():
        known = await until_parked(made, 1)
    (found,) = known.values()
    place = f"{made.name(JOBS)}-0@0"
    assert (found.place, found.key, found.tries, found.error) == (place, "a", 1, "ValueError: no")
    assert [*known] == [place]
    assert LONG * 0.7 < (found.next_try - found.since) / 1000 < LONG * 1.3


async def test_who_goes_on_after_a_restart_waits_as_long_and_counts_on(environment: Environment) -> None:
    handler = Handler(fail)
    made = await line(environment, handler, ("a", "a1"), first_pause=0.6, longest_pause=0.6)
    async with made.working():
        before = await until_parked(made, 1)
    async with made.working() as work:
        await work.ready()
        await write(made, ("b", "b1"))
        await handler.until(lambda: "b1" in handler.begun)
        assert handler.begun == ["a1", "b1"]
        await handler.until(lambda: handler.begun.count("a1") == 3)
        assert [each.attempt for each in handler.deliveries if each.event == "a1"] == [1, 2, 3]
        letters = await until_dead(made, 2)
    assert [*before] == [f"{made.name(JOBS)}-0@0"]
    assert {dict(letter.headers)["dead-letter.detail"] for letter in letters} == {b"after 3 tries: ValueError: no"}


async def test_a_record_that_operators_release_is_tried_at_once(environment: Environment) -> None:
    handler = Handler(fail)
    made = await line(environment, handler, ("a", "a1"), ("b", "b1"), first_pause=LONG, longest_pause=LONG)
    async with made.working():
        known = await until_parked(made, 1, 1)
        (place,) = [place for place, each in known.items() if each.key == "b"]
        await give(Release(place, 1), made.settings)
        await until_parked(made, 1, 2)
    assert sorted(handler.begun) == ["a1", "b1", "b1"]
    async with made.working() as work:  # an order is given once
        await work.ready()
        await write(made, ("c", "c1"))
        await until_parked(made, 1, 2, 1)
    assert handler.begun.count("b1") == 2


async def test_a_record_that_operators_give_up_is_a_dead_letter_and_its_key_goes_on(environment: Environment) -> None:
    async def act(delivery: Delivery[str]) -> None:
        if delivery.event != "a2":
            raise ValueError("no")

    handler = Handler(act)
    made = await line(environment, handler, ("a", "a1"), ("a", "a2"), ("b", "b1"), first_pause=LONG, longest_pause=LONG)
    async with made.working():
        await until_parked(made, 1, 1)
        await give(GiveUp(f"{made.name(JOBS)}-0@0"), made.settings)
        await handler.finished(1)
        await until_parked(made, 1)
    assert handler.done == ["a2"]
    (letter,) = await dead(made)
    assert letter.value == b"a1"
    headers = dict(letter.headers)
    assert headers["dead-letter.reason"] == b"given-up"
    assert headers["dead-letter.detail"] == b"given up by operators after 1 try: ValueError: no"
    assert [each.key for each in (await parked(made)).values()] == ["b"]


async def test_a_record_that_the_log_has_lost_is_parked_no_more(environment: Environment) -> None:
    made = await line(environment, Handler(fail), ("a", "a1"), ("b", "b1"), first_pause=LONG, longest_pause=LONG)
    async with made.working():
        await until_parked(made, 1, 1)
    delete_records(made.servers, made.name(JOBS), 0, before=1)
    async with made.working():
        known = await until_parked(made, 1)
    assert [each.key for each in known.values()] == ["b"]
