"""Everything derived anew, beside what serves, and then in its place."""

import asyncio
import signal
import time
from collections import Counter
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer
from msgspec import UNSET

from rollcall_domain.control import SetGeneration, decode
from rollcall_domain.partition import partition_for
from rollcall_domain.service.provision import ensure_topics
from rollcall_domain.topics import STUDENT
from support.log import list_topics, read_all
from support.services import PATIENCE, Environment, Service, consumer, running

Report = dict[str, Any]
START = int(time.time() * 1000) - 3_600_000


async def _write(environment: Environment, first: int, count: int) -> None:
    """Write updates of fifty students; every seventh of them logs in twice in a row, at times."""
    await ensure_topics([STUDENT], environment.consumer())
    async with AIOKafkaProducer(bootstrap_servers=environment.servers, acks="all") as client:
        for number in range(first, first + count):
            student = b"s-%d" % (number % 50)
            state = 0 if number % 7 == 0 else number // 50 % 2
            value = b'{"StudentId":"%b","State":%d}' % (student, state)
            await client.send(
                environment.student,
                value,
                student,
                partition_for(student, 6),
                START + number * 100,
                headers=[("id", b"%d" % number)],
            )
        await client.send(environment.student, b"no update %d" % first, b"s-1", partition_for(b"s-1", 6))
        await client.flush()


async def _rebuild(environment: Environment, *arguments: str, **settings: object) -> tuple[int, Report]:
    variables = environment.variables(**settings)
    async with running("rollcall_consumer", "rebuild", "--json", *arguments, **variables) as command:
        status = await command.end(None)
    return status, command.events[-1]


async def _table(environment: Environment, topic: str) -> dict[str, Any]:
    records = await read_all(environment.servers, environment.prefix + topic, committed=True)
    return {(record.key or b"").decode(): msgspec.json.decode(record.value or b"") for record in records}


async def _alerts(environment: Environment, group: str = "") -> Counter[str]:
    records = await read_all(environment.servers, f"{environment.prefix}{group}Student.Alerts", committed=True)
    return Counter(msgspec.json.decode(record.value or b"")["Id"] for record in records)


async def _handled(environment: Environment, topic: str, updates: int) -> dict[str, Any]:
    """Wait until so many updates are in the records of a generation."""
    async with asyncio.timeout(PATIENCE):
        while True:
            minutes = await _table(environment, topic.replace("State", "Activity"))
            if sum(minute["Logins"] + minute["Logouts"] for minute in minutes.values()) >= updates:
                return await _table(environment, topic)
            await asyncio.sleep(0.1)


async def test_what_is_derived_anew_is_equal_and_serves_from_then_on(environment: Environment) -> None:
    await _write(environment, 0, 2000)
    async with consumer(environment, log_records=False) as worker:
        await worker.ready()
        _, report = await _rebuild(environment, "--dry-run")
        assert (report["Switched"], report["Tables"]["Different"], report["Tables"]["MovedOn"]) == (False, 0, 0)
        assert report["Tables"]["Same"] > 50
        status, report = await _rebuild(environment)
        before = await _alerts(environment)
        assert (status, report["Reason"], report["Switched"], report["Generation"]) == (0, None, True, 2)
        tables = report["Tables"]
        assert (tables["Different"], tables["MovedOn"], tables["Examples"]) == (0, 0, [])
        assert tables["Same"] > 50
        assert report["Streams"] == {
            "Student.Alerts": {"Known": len(before), "New": 0},
            "Student.DeadLetters": {"Known": 1, "New": 0},
        }
        await _write(environment, 2000, 500)
        await _handled(environment, "Student.State.gen2", 2500)
        assert await worker.end() == 0
    old, new = await _table(environment, "Student.State"), await _table(environment, "Student.State.gen2")
    assert {student: record["Logins"] for student, record in old.items()} != {
        student: record["Logins"] for student, record in new.items()
    }
    alerts = await _alerts(environment)
    assert set(alerts.values()) == {1}
    assert set(before) < set(alerts)
    assert len(await read_all(environment.servers, environment.dead_letters, committed=True)) == 2
    status, report = await _rebuild(environment)
    assert (status, report["Generation"], report["Tables"]["Different"]) == (0, 3, 0)
    async with running("rollcall_consumer", "rebuild", "--remove", **environment.variables()) as command:
        assert await command.end(None) == 0
    assert [event["event"] for event in command.events] == ["removed generations: 1, 2"]
    own = {name.removeprefix(environment.prefix) for name in await list_topics(environment.servers)}
    assert {name for name in own if name.startswith("Student.State")} == {"Student.State.gen3"}


async def test_a_rule_that_has_changed_shows_in_what_differs_and_what_is_new(environment: Environment) -> None:
    await _write(environment, 0, 2000)
    async with consumer(environment, many_logins=500) as worker:
        await worker.ready()
    before = await _alerts(environment)
    status, report = await _rebuild(environment, "--dry-run", many_logins=3)
    assert (status, report["Switched"], report["Streams"]) == (0, False, {})
    assert report["Tables"]["Different"] > 0
    example = report["Tables"]["Examples"][0]
    assert example["Topic"] == "Student.State"
    assert msgspec.json.decode(example["Old"])["StudentId"] == example["Key"]
    assert await _alerts(environment) == before
    status, report = await _rebuild(environment, many_logins=3)
    assert (status, report["Switched"], report["Generation"]) == (0, True, 2)
    alerts = await _alerts(environment)
    assert report["Streams"]["Student.Alerts"] == {"Known": len(before), "New": len(alerts) - len(before)}
    assert len(alerts) > len(before)
    assert set(alerts.values()) == {1}


async def test_another_group_keeps_its_alerts_too(environment: Environment) -> None:
    await _write(environment, 0, 1000)
    async with consumer(environment, group="office") as worker:
        await worker.ready()
    before = await _alerts(environment, "office.")
    for generation in (2, 3):
        status, report = await _rebuild(environment, group="office")
        assert (status, report["Generation"], report["Switched"]) == (0, generation, True)
        assert report["Streams"]["Student.Alerts"] == {"Known": len(before), "New": 0}
    async with running("rollcall_consumer", "rebuild", "--remove", **environment.variables(group="office")) as command:
        assert await command.end(None) == 0
    assert await _alerts(environment, "office.") == before
    assert set(before.values()) == {1}


async def test_what_was_sent_back_is_a_letter_once_more_unless_it_is_one_already(environment: Environment) -> None:
    await _write(environment, 0, 10)
    async with consumer(environment) as worker:
        await worker.ready()
        async with running("rollcall_consumer", "redrive", **environment.variables()) as command:
            assert await command.end(None) == 0
        await worker.events_until(lambda events: sum(event["event"] == "Kept a dead letter" for event in events) == 2)
        _, report = await _rebuild(environment)
        assert report["Streams"]["Student.DeadLetters"] == {"Known": 1, "New": 0}
    async with running("rollcall_consumer", "redrive", **environment.variables()) as command:
        assert await command.end(None) == 0
    _, report = await _rebuild(environment)
    assert report["Streams"]["Student.DeadLetters"] == {"Known": 0, "New": 1}


async def _kill_while_building(environment: Environment) -> None:
    async with running("rollcall_consumer", "rebuild", "--rate", "400", **environment.variables()) as command:
        async with asyncio.timeout(PATIENCE):
            while f"{environment.prefix}Student.State.gen2" not in await list_topics(environment.servers):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await _handled(environment, "Student.State.gen2", 100)
        await command.end(signal.SIGKILL)


async def test_who_is_killed_while_building_goes_on_and_may_be_given_up(environment: Environment) -> None:
    await _write(environment, 0, 4000)
    async with consumer(environment, log_records=False) as worker:
        await worker.ready()
    await _kill_while_building(environment)
    status, report = await _until_alone(environment)
    assert (status, report["Generation"], report["Tables"]["Different"]) == (0, 2, 0)
    async with running("rollcall_consumer", "rebuild", "--dry-run", **environment.variables()) as command:
        assert await command.end(None) == 0
    async with running("rollcall_consumer", "rebuild", "--abandon", **environment.variables()) as command:
        assert await command.end(None) == 0
    assert command.events[-1]["event"] == "generation 3 was given up"
    names = await list_topics(environment.servers)
    assert not [name for name in names if name.startswith(environment.prefix) and name.endswith("gen3")]


async def _until_alone(environment: Environment) -> tuple[int, Report]:
    """Build once the group has found out that who was killed is gone."""
    async with asyncio.timeout(PATIENCE):
        while True:
            status, report = await _rebuild(environment)
            if report["Reason"] != "somebody else is building generation 2":
                return status, report


async def test_readers_see_no_gap_and_replicas_come_and_go_meanwhile(environment: Environment) -> None:
    await _write(environment, 0, 3000)
    async with consumer(environment, log_records=False) as first, consumer(environment, log_records=False) as second:
        await asyncio.gather(first.ready(), second.ready())
        building = asyncio.create_task(_rebuild(environment, "--rate", "1500"))
        loading = asyncio.create_task(_load(environment, building))
        await second.end(signal.SIGKILL)
        status, report = await building
        written = await loading
        assert (status, report["Switched"], report["Tables"]["Different"]) == (0, True, 0)
        await _handled(environment, "Student.State.gen2", written)
        await _serves(first)
    assert set((await _alerts(environment)).values()) == {1}
    await _check_seam(environment)


async def _check_seam(environment: Environment) -> None:
    """Make sure that the table of a generation has, up to where it took over, what the earlier one has, and no more."""
    orders = await read_all(environment.servers, f"{environment.prefix}Student.Control", 1)
    (switch,) = [
        order for record in orders if isinstance(order := decode(record.value), SetGeneration) and order.begins
    ]
    assert switch.begins is not UNSET
    old, new = [await _versions(environment, f"Student.State{suffix}") for suffix in ("", ".gen2")]
    for index, begin in enumerate(switch.begins["Student.State"]):
        known = [version for offset, version in new[index] if offset < begin]
        news = [version for offset, version in new[index] if offset >= begin]
        assert max(known) == max(version for _, version in old[index])
        assert min(news) > max(known)


async def _versions(environment: Environment, topic: str) -> dict[int, list[tuple[int, int]]]:
    """Read for each partition of a table, record by record, its offset and the update that it is of."""
    versions: dict[int, list[tuple[int, int]]] = {}
    for record in await read_all(environment.servers, environment.prefix + topic, committed=True):
        version = msgspec.json.decode(record.value or b"")["Version"]
        versions.setdefault(record.partition, []).append((record.offset, version))
    return versions


async def _load(environment: Environment, building: asyncio.Task[Any]) -> int:
    """Write updates until a generation is built, and some more."""
    written = 3000
    while not building.done():
        await asyncio.gather(_write(environment, written, 100), asyncio.sleep(0.2))
        written += 100
    await _write(environment, written, 500)
    return written + 500


async def _serves(worker: Service) -> None:
    await worker.ready()
    assert worker.running
