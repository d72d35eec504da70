"""`scripts/load` as its user sees it, and what becomes of a school day."""

import signal
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from itertools import islice
from pathlib import Path

import pytest

from rollcall_dev.chaos.network import Network
from rollcall_dev.kafka import ports
from rollcall_dev.school.classes import classes
from rollcall_dev.school.day import Update, days
from rollcall_domain import codec
from rollcall_producer.tokens import Scope, make_token
from support.certificates import issue
from support.log import read_all
from support.services import Environment, Event, Service, consumer, executing, producer, updates

ROOT = Path(__file__).parents[2]
NOBODY = "http://127.0.0.1:1"
SEED = 7

States = dict[str, list[str]]
"""The states of each student, in order."""


async def test_a_day_is_in_the_log_each_update_once_and_in_order_per_student(environment: Environment) -> None:
    planned = _plan(60)
    async with producer(environment) as api:
        await api.ready()
        async with _load(api.url, students=60, speed=20_000) as load:
            assert await load.end(None) == 0
    written, ids = await _log(environment)
    assert written == planned
    assert len({*ids}) == len(ids)
    assert _figures(load)["sent"] == _figures(load)["accepted"] == f"{len(ids):,}"
    assert (_figures(load)["retried"], _figures(load)["failed"]) == ("0", "0")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_nothing_is_missing_or_doubled_where_the_api_was_away_for_a_moment(
    environment: Environment, number: signal.Signals
) -> None:
    planned = _plan(150)
    port = ports.choose()
    async with consumer(environment) as worker, producer(environment, port=port) as api:
        await api.ready()
        async with _load(api.url, students=150, speed=4000) as load:
            await worker.events_until(lambda events: len(updates(events)) > 100)  # of 140 who come in the morning
            await api.end(number)
            async with producer(environment, port=port):
                assert await load.end(None) == 0
        await worker.events_until(lambda events: len(updates(events)) >= sum(map(len, planned.values())))
        assert await worker.end() == 0
    assert _told(worker) == planned
    alerts = await read_all(environment.servers, f"{environment.student}.Alerts", committed=True)
    assert sorted(codec.decode_alert(alert.value or b"").rule for alert in alerts) == ["many-logins", "two-places"]
    written, ids = await _log(environment)
    assert written == planned
    assert len(ids) == len({*ids}) or number == signal.SIGKILL  # which leaves open what was written, and ids tell
    assert _figures(load)["accepted"] == f"{len({*ids}):,}"
    assert " for: " in _figures(load)["retried"]


async def test_what_is_written_is_not_written_again_although_answers_are_lost_and_connections_break(
    environment: Environment,
) -> None:
    port = ports.choose()
    async with consumer(environment) as worker, producer(environment, port=port) as api, Network(port) as network:
        await api.ready()
        async with _load(f"http://{network.bootstrap_servers}", students=100, speed=4000) as load:
            await load.event(_says("day 1, "))
            network.lose_answers()
            await worker.events_until(lambda events: len(updates(events)) > 20)
            network.cut()
            await worker.events_until(lambda events: len(updates(events)) > 150)
            network.cut()  # and with it connections over which nothing is asked just now
            assert await load.end(None) == 0
    written, ids = await _log(environment)
    assert written == _plan(100)
    assert len({*ids}) == len(ids)
    assert " for: " in _figures(load)["retried"]


async def test_waits_as_it_is_told_where_more_is_sent_than_may_be(environment: Environment) -> None:
    async with producer(environment, rate_per_client=40) as api:
        await api.ready()
        async with _load(api.url, students=30, speed=20_000) as load:
            assert await load.end(None) == 0
    written, ids = await _log(environment)
    assert written == _plan(30)
    assert len({*ids}) == len(ids)
    assert " for: 429" in _figures(load)["retried"]


async def test_days_follow_each_other_until_it_is_ended(environment: Environment) -> None:
    school = classes(20)
    swept = [student for one in school for student in one.students]
    async with producer(environment) as api:
        await api.ready()
        async with _load(api.url, "--forever", "--sweep", students=20, speed=36_000) as load:
            await load.event(_says("day 3, "))
            assert await load.end(signal.SIGINT) == 0
    written, _ = await _log(environment)
    both = _states(update for plan in islice(days(school, SEED, swept), 2) for update in plan)
    assert {student: states[: len(both[student])] for student, states in written.items()} == both


async def test_ends_at_once_with_the_sum_of_it(environment: Environment) -> None:
    async with consumer(environment) as worker, producer(environment) as api:
        await api.ready()
        async with _load(api.url) as load:
            await worker.events_until(lambda events: len(updates(events)) > 3)
            assert await load.end(signal.SIGINT) == 0
    written, ids = await _log(environment)
    assert 3 < int(_figures(load)["accepted"]) <= len(ids) < 400
    assert _figures(load)["inside"] == f"{_figures(load)['accepted']} still logged in"
    assert written.keys() <= _plan(500).keys()


async def test_shows_its_token_over_https_and_is_told_where_it_is_none(
    environment: Environment, tmp_path: Path
) -> None:
    token, line = make_token("gate", [Scope.WRITE], None)
    (tmp_path / "tokens").write_text(line)
    certificate = issue(tmp_path)
    settings = {
        "tokens_file": tmp_path / "tokens",
        "tls_certificate_file": certificate.file,
        "tls_key_file": certificate.key,
    }
    async with producer(environment, **settings) as api:
        await api.ready(certificate.trust)
        async with _load(api.url, students=5, speed=20_000) as load:
            assert await load.end(None) == 1
        assert _lines(load)[-1].startswith(f"load: {api.url} refuses updates: 401, ")
        async with _load(api.url, students=5, speed=20_000, ROLLCALL_TOKEN=token) as load:
            assert await load.end(None) == 0
    written, _ = await _log(environment)
    assert written == _plan(5)
    assert token not in "".join(_lines(load))


async def test_says_in_one_line_that_nobody_is_there() -> None:
    async with _load(NOBODY) as load:
        assert await load.end(None) == 1
    assert _lines(load) == [f"load: {NOBODY} can't be reached: Connection refused"]


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--speed", "0"], "--speed: '0' is not a whole number from 1 to 36,000"),
        (["--students", "many"], "--students: 'many' is not a whole number from 1 to 100,000"),
        (["--url", "127.0.0.1:8000"], "--url: '127.0.0.1:8000' is not an address such as http://127.0.0.1:8000"),
        (["--url", "http://school:port"], "--url: 'http://school:port' is not an address"),
    ],
)
async def test_refuses_arguments_that_it_cannot_use(arguments: list[str], fault: str) -> None:
    async with _load(NOBODY, *arguments) as load:
        assert await load.end(None) == 2
    assert fault in _lines(load)[-1]


def _load(
    url: str, *arguments: str, students: int = 500, speed: int = 60, **variables: str
) -> AbstractAsyncContextManager[Service]:
    options = {"--url": url, "--students": str(students), "--speed": str(speed), "--seed": str(SEED)}
    given = [text for option in options.items() for text in option]
    return executing(str(ROOT / "scripts/load"), *given, *arguments, **variables)


def _plan(students: int) -> States:
    return _states(next(days(classes(students), SEED)))


def _states(plan: Iterable[Update]) -> States:
    states: States = defaultdict(list)
    for update in plan:
        states[update.student].append(update.state.name)
    return states


def _told(worker: Service) -> States:
    """Give what a worker has said of each student."""
    states: States = defaultdict(list)
    for event in updates(worker.events):
        _, student, *_, state = event["event"].split()
        states[student].append(state)
    return states


async def _log(environment: Environment) -> tuple[States, list[str]]:
    """Read what the log has of each student, repetitions left out, and the ids of all records."""
    states: States = defaultdict(list)
    ids: list[str] = []
    for record in await read_all(environment.servers, environment.student):
        identity = dict(record.headers)["id"].decode()
        if identity not in ids:
            update = codec.decode_update(record.value or b"")
            states[update.student_id].append(update.state.name)
        ids.append(identity)
    return states, ids


def _figures(load: Service) -> dict[str, str]:
    """Read the sum at the end."""
    lines = (line.split(maxsplit=1) for line in _lines(load))
    return {words[0]: words[1] for words in lines if len(words) == 2}


def _lines(load: Service) -> list[str]:
    return [event["event"] for event in load.events]


def _says(text: str) -> Callable[[Event], bool]:
    return lambda event: text in event["event"]
