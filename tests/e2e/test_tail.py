from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaProducer

from rollcall_domain.service.provision import ensure_topics
from rollcall_domain.topics import STUDENT
from support.services import Environment, Service, running


async def _write(environment: Environment, *records: tuple[str, bytes | None, timedelta]) -> None:
    """Write records of students, each with a value and how long ago it came."""
    async with AIOKafkaProducer(bootstrap_servers=environment.servers, acks="all") as client:
        for student, value, ago in records:
            moment = int((datetime.now(UTC) - ago).timestamp() * 1000)
            await client.send_and_wait(environment.student, value, student.encode(), timestamp_ms=moment)


def _in(student: str, **ago: float) -> tuple[str, bytes, timedelta]:
    return student, b'{"StudentId":"%b","State":0}' % student.encode(), timedelta(**ago)


def _tail(environment: Environment, *arguments: str) -> AbstractAsyncContextManager[Service]:
    return running("rollcall_consumer", "tail", *arguments, **environment.variables())


def _lines(service: Service) -> list[str]:
    return [event["event"] for event in service.events]


def _students(service: Service) -> list[str]:
    return [event["StudentId"] for event in service.events if "StudentId" in event]


async def test_viewers_each_have_a_place_of_their_own(environment: Environment) -> None:
    await ensure_topics([STUDENT], environment.consumer())
    await _write(environment, *(_in(f"old-{number}", minutes=60 - number) for number in range(12)))
    await _write(environment, *(_in(f"recent-{number}", seconds=90 - number) for number in range(12)))
    old, recent = [f"old-{n}" for n in range(12)], [f"recent-{n}" for n in range(12)]
    async with (
        _tail(environment, "--from", "beginning", "--json") as first,
        _tail(environment, "--from", "-2m", "--json") as second,
        _tail(environment, "--from", "latest", "--json") as third,
    ):
        await first.events_until(lambda events: len(events) == 24)
        await second.events_until(lambda events: len(events) == 12)
        # Where "latest" is, is settled when the viewer has come; only what is written after it can tell.
        for number in range(1000):
            await _write(environment, _in(f"new-{number}"))
            if third.events:
                break
        newest = _students(third)[0]
        for viewer, past in ((first, [*old, *recent]), (second, recent)):
            await viewer.events_until(lambda events: any(event["StudentId"] == newest for event in events))
            assert [student for student in _students(viewer) if not student.startswith("new")] == past
        assert all(student.startswith("new") for student in _students(third))


async def test_ends_at_the_end_and_shows_one_student_alone(environment: Environment) -> None:
    await ensure_topics([STUDENT], environment.consumer())
    await _write(
        environment,
        _in("s-1", seconds=3),
        ("s-1", b'{"StudentId":"s-1","State":1}', timedelta(seconds=2)),
        ("s-1", None, timedelta(seconds=1)),
        ("s-2", b"nonsense", timedelta(0)),
    )
    async with _tail(environment, "--from", "beginning", "--no-follow") as command:
        assert await command.end(None) == 0
    logged_in, logged_out, unreadable = _lines(command)
    assert logged_in.endswith("s-1  LoggedIn")
    assert logged_out.endswith("s-1  LoggedOut")
    assert "unreadable: not-json" in unreadable
    assert f"{environment.student}-" in logged_in
    moment = datetime.fromisoformat(logged_in.split()[0])
    assert timedelta(seconds=2) < datetime.now(UTC) - moment < timedelta(minutes=1)
    async with _tail(environment, "--from", "-1h", "--no-follow", "--student", "s-1") as command:
        assert await command.end(None) == 0
    assert _lines(command) == [logged_in, logged_out]
    async with _tail(environment, "--from", "latest", "--no-follow") as command:
        assert await command.end(None) == 0
    assert _lines(command) == []


async def test_says_in_one_line_why_nothing_can_be_shown(environment: Environment) -> None:
    async with _tail(environment) as command:
        assert await command.end(None) == 1
    assert _lines(command) == [f"Error: there is no topic {environment.student} yet"]
    async with _tail(Environment("127.0.0.1:1", "")) as command:
        assert await command.end(None) == 1
    assert _lines(command) == ["Error: can't use Kafka at 127.0.0.1:1: no connection: Connection refused"]
    async with _tail(environment, "--from", "noon") as command:
        assert await command.end(None) == 2
    assert "'noon' is not beginning, latest, a span such as -2m" in _lines(command)[-1]
