"""Alerts as the worker writes them, and who sends them to a receiver."""

from contextlib import AbstractAsyncContextManager

from aiokafka import AIOKafkaProducer

from rollcall_domain import codec
from rollcall_domain.alert import Alert, alert
from rollcall_domain.partition import partition_for
from rollcall_domain.service.provision import ensure_topics
from rollcall_domain.topics import ALERTS
from support.receiver import Receiver
from support.services import Environment, Service, running

MORNING = 1_795_456_578_650


def notify(environment: Environment, receiver: Receiver, **settings: object) -> AbstractAsyncContextManager[Service]:
    """Run a replica that sends alerts to a receiver."""
    said = {"webhook_url": f"{receiver.url}/alerts", **settings}
    return running("rollcall_consumer", "run", "notify", **environment.variables(**said))


async def write(environment: Environment, *alerts: Alert) -> None:
    """Write alerts where they belong."""
    await ensure_topics([ALERTS], environment.consumer())
    async with AIOKafkaProducer(bootstrap_servers=environment.servers, acks="all") as client:
        for each in alerts:
            key = each.student_id.encode()
            await client.send_and_wait(
                f"{environment.prefix}Student.Alerts", codec.encode(each), key, partition_for(key, 6)
            )


def late(student: str, number: int = 0, rule: str = "many-logins") -> Alert:
    """Make an alert, different ones for different numbers."""
    return alert(rule, student, MORNING + number, f"c-{number}", "5 logins within 10 minutes")
