"""Operators at work on alerts that are sent: batch runs, dead letters that are sent again, a rate."""

import signal

from starlette.responses import Response

from support.alerts import late, notify, write
from support.log import read_all
from support.receiver import Receiver, receiving
from support.services import Environment, running


async def run(environment: Environment, receiver: Receiver, *arguments: str) -> tuple[int, dict[str, object]]:
    """Run a command that prints a report."""
    variables = environment.variables(webhook_url=receiver.url)
    async with running("rollcall_consumer", *arguments, "--json", **variables) as command:
        status = await command.end(None)
    (report,) = [event for event in command.events if "Group" in event]
    return status, report


async def test_a_batch_run_sends_what_is_there_and_ends(environment: Environment) -> None:
    await write(environment, *(late(f"s-{number}") for number in range(20)))
    async with receiving() as receiver:
        status, report = await run(environment, receiver, "drain", "notify")
        assert (status, report["Drained"], report["LagBefore"], report["LagAfter"]) == (0, True, 20, 0)
        assert (report["Group"], report["Records"]) == (f"{environment.prefix}1.notify", 20)
        assert len(receiver.taken) == 20
        status, report = await run(environment, receiver, "drain", "notify")
        assert (status, report["Records"], len(receiver.calls)) == (0, 0, 20)


async def test_a_batch_run_whose_receiver_does_not_take_all_says_that_it_is_not_done(environment: Environment) -> None:
    await write(environment, late("s-1", 1), late("s-1", 2), late("s-2", 1))
    async with receiving() as receiver:
        receiver.answer = lambda call: Response(status_code=503 if call.student == "s-1" else 204)
        status, report = await run(environment, receiver, "drain", "notify", "--timeout", "4")
        assert (status, report["Drained"], report["Reason"]) == (1, False, "not done within 4 s")
        assert [call.student for call in receiver.taken] == ["s-2"]
        receiver.answer = lambda _: Response(status_code=204)
        status, report = await run(environment, receiver, "drain", "notify")
        assert (status, report["Records"], [call.student for call in receiver.taken]) == (0, 2, ["s-2", "s-1", "s-1"])


async def test_dead_letters_are_sent_once_more_to_this_pipeline_alone(environment: Environment) -> None:
    await write(environment, *(late(f"s-{number}") for number in range(5)))
    async with receiving() as receiver:
        receiver.answer = lambda call: Response(status_code=404 if call.student in ("s-1", "s-3") else 204)
        async with notify(environment, receiver) as worker:
            await receiver.until(lambda: len(receiver.calls) == 5)
            await worker.events_until(lambda events: sum(e["event"] == "Kept a dead letter" for e in events) == 2)
            receiver.answer = lambda _: Response(status_code=204)
            status, report = await run(environment, receiver, "redrive", "notify")
            assert (status, report["Found"], report["Sent"], report["ByReason"]) == (0, 2, 2, {"refused": 2})
            await receiver.has_taken(5)
            status, report = await run(environment, receiver, "redrive", "notify")
            assert (status, report["Found"]) == (0, 0)
    assert sorted(call.student for call in receiver.taken) == [f"s-{number}" for number in range(5)]
    ids = {call.student: call.id for call in receiver.calls}
    assert all(call.id == ids[call.student] for call in receiver.calls)
    inbox = await read_all(environment.servers, f"{environment.prefix}1.notify.Student.Inbox", committed=True)
    assert sorted(record.key or b"" for record in inbox) == [b"s-1", b"s-3"]


async def test_letters_of_another_pipeline_are_left_alone(environment: Environment) -> None:
    await write(environment, late("s-1"))
    async with receiving() as receiver:
        receiver.answer = lambda _: Response(status_code=404)
        async with notify(environment, receiver) as worker:
            await worker.event(lambda event: event["event"] == "Kept a dead letter")
        status, report = await run(environment, receiver, "redrive")
        assert (status, report["Found"]) == (0, 0)
        async with running(
            "rollcall_consumer", "dead", "--pipeline", "notify", "--json", **environment.variables()
        ) as command:
            assert await command.end(None) == 0
    (letter,) = command.events
    assert (letter["Key"], letter["Reason"]) == ("s-1", "refused")


async def test_who_was_frozen_and_has_lost_its_partitions_sends_nothing_more(environment: Environment) -> None:
    await write(environment, *(late(f"s-{number}") for number in range(60)))
    async with receiving() as receiver:
        async with notify(environment, receiver, lanes=1, rate=20) as frozen:
            await receiver.has_taken(3)
            frozen.send(signal.SIGSTOP)
            async with notify(environment, receiver) as other:
                await other.ready()
                await receiver.until(lambda: len({call.id for call in receiver.calls}) == 60)
                before = len(receiver.calls)
                frozen.send(signal.SIGCONT)
                await frozen.event(lambda event: event["event"] == "Gave back partitions")
                await frozen.ready()
        assert len(receiver.calls) <= before + 1
