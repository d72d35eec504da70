"""Alerts on their way to a webhook."""

import base64
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import msgspec
import pytest
from standardwebhooks import Webhook
from starlette.responses import Response

from rollcall_domain import codec
from support.alerts import late, notify, write
from support.log import read_all
from support.receiver import receiving
from support.services import Environment, Service, running

NOWHERE = "'2026-11-23T10:00' does not say its offset from UTC; write it as 2026-11-23T10:00Z if it is in UTC"
SECRET = "whsec_" + base64.b64encode(b"a secret that the school has").decode()


async def test_an_alert_is_sent_once_with_its_id_and_a_signature(environment: Environment) -> None:
    sent = late("s-1")
    await write(environment, sent)
    async with receiving() as receiver:
        async with notify(environment, receiver, webhook_secret=SECRET) as worker:
            await receiver.has_taken(1)
            assert await worker.end(signal.SIGTERM) == 0
        async with notify(environment, receiver, webhook_secret=SECRET) as worker:
            await worker.ready()
            await write(environment, late("s-2"))
            await receiver.has_taken(2)
    first, second = receiver.calls
    assert (first.path, first.id, second.student) == ("/alerts", sent.id, "s-2")
    verified = Webhook(SECRET).verify(first.body, dict(first.headers))
    assert verified == {
        "type": "student.alert",
        "timestamp": "2026-11-23T17:56:18.650Z",
        "data": msgspec.json.decode(codec.encode(sent)),
    }


async def test_a_message_is_signed_by_the_old_secret_too_while_it_is_changed(environment: Environment) -> None:
    other = "whsec_" + base64.b64encode(b"another one that it will have").decode()
    await write(environment, late("s-1"))
    async with receiving() as receiver, notify(environment, receiver, webhook_secret=f"{other} {SECRET}"):
        (call,) = await receiver.has_taken(1)
    for secret in (SECRET, other):
        Webhook(secret).verify(call.body, dict(call.headers))


async def test_what_an_address_says_beside_the_host_is_a_secret_as_well(environment: Environment) -> None:
    await write(environment, late("s-1"))
    async with receiving() as receiver:
        address = f"{receiver.url}/hooks/in-confidence"
        receiver.say(Response(status_code=503))
        async with notify(environment, receiver, webhook_url=address, log_level="debug") as worker:
            await receiver.has_taken(1)
            assert await worker.end(signal.SIGTERM) == 0
    assert [call.path for call in receiver.calls] == ["/hooks/in-confidence"] * 2
    assert receiver.url in str(worker.events)
    assert "in-confidence" not in str(worker.events)


async def test_what_can_not_be_taken_now_is_sent_again_and_later_alerts_of_the_student_wait(
    environment: Environment,
) -> None:
    await write(environment, late("s-1", 1), late("s-1", 2), late("s-1", 3))
    async with receiving() as receiver, notify(environment, receiver):
        receiver.say(Response(status_code=503), Response(status_code=429, headers={"Retry-After": "2"}))
        await receiver.has_taken(3)
    ids = [late("s-1", number).id for number in (1, 2, 3)]
    assert [call.id for call in receiver.calls] == [ids[0], ids[0], ids[0], ids[1], ids[2]]
    assert receiver.calls[2].at - receiver.calls[1].at >= 2


async def test_a_time_to_try_again_may_be_a_date(environment: Environment) -> None:
    await write(environment, late("s-1"))
    async with receiving() as receiver, notify(environment, receiver):
        moment = format_datetime(datetime.now(UTC) + timedelta(seconds=4), usegmt=True)
        receiver.say(Response(status_code=503, headers={"Retry-After": moment}))
        await receiver.has_taken(1)
    assert receiver.calls[1].at - receiver.calls[0].at >= 2


@pytest.mark.parametrize("status", [400, 404, 410, 302])
async def test_what_will_never_be_taken_is_a_dead_letter(environment: Environment, status: int) -> None:
    await write(environment, late("s-1", 1), late("s-1", 2))
    async with receiving() as receiver, notify(environment, receiver):
        receiver.say(Response("what is this?", status, {"Location": f"{receiver.url}/elsewhere"}))
        await receiver.has_taken(1)
    assert [call.path for call in receiver.calls] == ["/alerts", "/alerts"]
    (letter,) = await read_all(environment.servers, environment.dead_letters)
    headers = dict(letter.headers)
    assert headers["dead-letter.reason"] == b"refused"
    assert headers["dead-letter.detail"] == f"PermanentError: {receiver.url} answers {status}: what is this?".encode()
    assert headers["dead-letter.group"] == f"{environment.prefix}1.notify".encode()


async def test_alerts_of_a_rule_may_go_elsewhere(environment: Environment) -> None:
    await write(environment, late("s-1"), late("s-2", rule="two-places"))
    async with (
        receiving() as receiver,
        receiving() as other,
        notify(environment, receiver, webhook_routes=f"two-places={other.url}/doors"),
    ):
        await receiver.has_taken(1)
        await other.has_taken(1)
    assert [(call.path, call.student) for call in (*receiver.calls, *other.calls)] == [
        ("/alerts", "s-1"),
        ("/doors", "s-2"),
    ]


@asynccontextmanager
async def _refused(environment: Environment, *arguments: str, **settings: object) -> AsyncIterator[Service]:
    async with running("rollcall_consumer", "run", *arguments, **environment.variables(**settings)) as worker:
        assert await worker.end(None) == 78
        yield worker


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "ROLLCALL_WEBHOOK_URL: is needed by notify: where alerts are sent"),
        (
            {"begin": "noon"},
            "ROLLCALL_BEGIN: 'noon' is not beginning, latest, a span such as -2m, or a time in ISO 8601",
        ),
        ({"webhook_secret": "hush!"}, "ROLLCALL_WEBHOOK_SECRET: a secret is whsec_ and Base64 of 24 bytes or more"),
        ({"webhook_secret": "hush"}, "ROLLCALL_WEBHOOK_SECRET: a secret is whsec_ and Base64 of 24 bytes or more"),
        ({"webhook_ca_file": "/nowhere"}, "ROLLCALL_WEBHOOK_CA_FILE: can't be used: No such file or directory"),
    ],
)
async def test_faulty_settings_end_the_start_with_one_line(
    environment: Environment, settings: dict[str, str], said: str
) -> None:
    url = {"webhook_url": "http://127.0.0.1:1/"} if settings else {}
    async with _refused(environment, "notify", **url, **settings) as worker:
        assert [event["event"] for event in worker.events] == [said]
