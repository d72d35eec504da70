"""Dead letters in the hands of operators: by commands."""

import asyncio
import signal
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer

from rollcall_domain.partition import partition_for
from rollcall_domain.service.provision import ensure_topics
from rollcall_domain.topics import STUDENT
from support.log import read_all
from support.services import PATIENCE, Environment, consumer, running

MORNING = 1_795_456_578_650


async def _with_letters(environment: Environment) -> None:
    await ensure_topics([STUDENT], environment.consumer())
    async with AIOKafkaProducer(bootstrap_servers=environment.servers, acks="all") as client:
        letters = (b"s-1", b'{"StudentId":"s-1"}'), (b"\xff", b"\xfe"), (b"s-1", b'{"StudentId":"s-1"}\n')
        for number, (key, value) in enumerate(letters):
            identity = b"gate-%d" % number
            await client.send_and_wait(environment.student, value, key, 4, MORNING, headers=[("id", identity)])
        await client.send_and_wait(environment.student, b'{"StudentId":"s-2","State":0}', b"s-2", 0)
    async with consumer(environment) as worker:
        await worker.ready()


async def _say(environment: Environment, *arguments: str, **settings: object) -> tuple[int, list[str]]:
    async with running("rollcall_consumer", *arguments, **environment.variables(**settings)) as command:
        status = await command.end(None)
    return status, [_line(event) for event in command.events]


def _line(event: dict[str, Any]) -> str:
    return str(event["event"]) if "event" in event else msgspec.json.encode(event).decode()


async def test_letters_are_listed_shown_and_exported(environment: Environment) -> None:
    assert await _say(environment, "dead") == (0, [])
    await _with_letters(environment)
    student, time = environment.student, "2026-11-23T17:56:18.650Z"
    status, lines = await _say(environment, "dead")
    assert (status, lines) == (
        0,
        [
            f'4@0  {time}  not-an-update  {student}-4@0  {{"StudentId":"s-1"}}',
            f"4@1  {time}  not-json  {student}-4@1  base64 /g==",
            f'4@2  {time}  not-an-update  {student}-4@2  {{"StudentId":"s-1"}}\\n',
        ],
    )
    assert len((await _say(environment, "dead", "--student", "s-1", "--limit", "1"))[1]) == 1
    assert len((await _say(environment, "dead", "--where", "reason=not-json"))[1]) == 1
    assert (await _say(environment, "dead", "--since", "-1d"))[1] == []
    assert (await _say(environment, "dead", group="office"))[1] == []
    status, lines = await _say(environment, "dead", "4@1")
    assert (status, lines) == (
        0,
        [
            "dead letter  4@1",
            "reason       not-json: JSON is malformed: invalid character (byte 0)",
            f"read at      {student}-4@1",
            f"time         {time}",
            "returns      0",
            "key          base64 /w==",
            "header       id: gate-1",
            "value        base64 /g==",
        ],
    )
    assert await _say(environment, "dead", "4@7") == (1, ["Error: there is no dead letter of the group at 4@7"])
    _, (exported, *_) = await _say(environment, "dead", "--json")
    assert msgspec.json.decode(exported) == {
        "Place": "4@0",
        "Time": time,
        "Reason": "not-an-update",
        "Detail": "Object missing required field `State`",
        "Topic": student,
        "Partition": 4,
        "Offset": 0,
        "Returns": 0,
        "Redriven": False,
        "Key": "s-1",
        "KeyBase64": None,
        "Value": '{"StudentId":"s-1"}',
        "ValueBase64": None,
        "Headers": [["id", "gate-0"]],
        "TruncatedFrom": None,
    }


async def test_conditions_that_are_none_are_refused(environment: Environment) -> None:
    for arguments, fault in (
        (["--where", "reason=bad-luck"], "there is no reason 'bad-luck'; there are not-json, not-an-update,"),
        (["--where", "reason=not-json", "--where", "reason=not-an-update"], "a letter has one reason and one topic"),
        (["--where", "colour=red"], "'colour=red' is neither reason=… nor topic=…"),
        (["--since", "latest"], "Invalid value for --since: latest is no time"),
        (["4-17"], "'4-17' is no place such as 4@17: partition and offset of a dead letter"),
    ):
        status, lines = await _say(environment, "dead", *arguments)
        assert status == 2
        assert fault in lines[-1]


async def test_what_was_sent_back_and_failed_again_is_told(environment: Environment) -> None:
    await _with_letters(environment)
    status, lines = await _say(environment, "redrive", "--dry-run")
    assert (status, lines[0].partition(" in ")[0]) == (
        0,
        f"group {environment.prefix}1: 3 of 3 dead letters would be sent back",
    )
    status, lines = await _say(environment, "redrive", "--where", "reason=not-json")
    assert (status, lines[0].partition(" in ")[0], lines[1:]) == (
        0,
        f"group {environment.prefix}1: 1 of 1 dead letters sent back",
        ["  not-json 1"],
    )
    async with consumer(environment) as worker:
        await worker.ready()
    _, lines = await _say(environment, "dead", "--all", "--where", "reason=not-json")
    sent, failed_again = (line.split("  ") for line in lines)
    assert (sent[0], sent[-2]) == ("4@1", "sent back")
    assert (failed_again[3].rpartition("@")[0], failed_again[-2]) == (
        f"{environment.prefix}Student.Inbox-4",
        "returned 1x",
    )
    assert len((await _say(environment, "dead"))[1]) == 3


async def test_who_is_killed_while_sending_back_has_sent_nothing_twice(environment: Environment) -> None:
    await ensure_topics([STUDENT], environment.consumer())
    wanted = [b"poison %d" % number for number in range(90)]
    async with AIOKafkaProducer(bootstrap_servers=environment.servers, acks="all") as client:
        for number, value in enumerate(wanted):
            key = b"s-%d" % (number % 7)
            await client.send(environment.student, value, key, partition_for(key, 6))
        await client.flush()
    async with consumer(environment, dead_letter_share=1) as worker:
        await worker.ready()
    sent: list[bytes | None] = []
    for _ in range(2):
        async with running("rollcall_consumer", "redrive", "--rate", "30", **environment.variables()) as command:
            before = len(sent)
            async with asyncio.timeout(PATIENCE):
                while len(sent) < before + 10:
                    sent = [record.value for record in await _inbox(environment)]
            assert await command.end(signal.SIGKILL) == -signal.SIGKILL
    status, _ = await _say(environment, "redrive")
    assert status == 0
    back = await _inbox(environment)
    assert sorted(record.value or b"" for record in back) == sorted(wanted)
    for student in range(7):
        own = [record.value for record in back if record.key == b"s-%d" % student]
        assert own == [value for number, value in enumerate(wanted) if number % 7 == student]


async def _inbox(environment: Environment) -> list[Any]:
    return await read_all(environment.servers, f"{environment.prefix}Student.Inbox", committed=True)
