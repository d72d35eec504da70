"""Producers beside the API: they write straight to the topic `Student`, and know where each record came to be."""

import asyncio
from dataclasses import dataclass
from itertools import count
from random import Random
from threading import Event, Thread
from time import time
from types import TracebackType
from typing import Any, Self

from confluent_kafka import Producer

from rollcall_dev.chaos.ledger import Outcome
from rollcall_dev.chaos.record.stage import Stage
from rollcall_domain.errors import Reason
from rollcall_domain.partition import partition_for
from rollcall_domain.topics import STUDENT, Topic

DELIVERY_LIMIT = 60.0
"""Seconds after which a record is given up that could not be written."""

POISON = {
    b'{"StudentId":"p-%d","State":': Reason.NOT_JSON,
    b"\xff\x00 %d": Reason.NOT_JSON,
    b'["p-%d",0]': Reason.NOT_AN_UPDATE,
    b'{"StudentId":"p-%d","State":2}': Reason.NOT_AN_UPDATE,
    b'{"StudentId":"p-%d","State":"LoggedIn"}': Reason.NOT_AN_UPDATE,
    b'{"State":1,"Number":%d}': Reason.NOT_AN_UPDATE,
    b'{"StudentId":"p-%d\\u0007","State":0}': Reason.INVALID_STUDENT_ID,
    b'{"StudentId":"","State":0,"Number":%d}': Reason.INVALID_STUDENT_ID,
}
"""Records that are no updates, and what is wrong with each."""


@dataclass(slots=True, eq=False)
class Sent:
    """A record that was written straight to the topic.

    Attributes:
        partition: Where.
        key: Its key.
        value: Its value.
        identity: Its id, if it has one.
        reason: What is wrong with it, if it is none that can be handled.
        outcome: What became of it.
        offset: Where it is in its partition, if that is known. A broker that was asked again tells only that it has it.
    """

    partition: int
    key: bytes | None
    value: bytes
    identity: bytes | None
    reason: Reason | None = None
    outcome: Outcome = Outcome.UNKNOWN
    offset: int | None = None


class Writer:
    """Writes records to the partitions that it is told.

    Args:
        stage: Where.
        topic: Which topic.

    Attributes:
        sent: All of them.
    """

    def __init__(self, stage: Stage, topic: Topic = STUDENT) -> None:
        self.sent: list[Sent] = []
        self.partitions = stage.settings.partitions
        self._topic = stage.settings.topic_name(topic)
        self._ending = Event()
        self._thread = Thread(target=self._serve, daemon=True)
        self._producer = Producer(
            {
                "bootstrap.servers": stage.servers,
                "enable.idempotence": True,
                "linger.ms": 5,
                "message.timeout.ms": int(DELIVERY_LIMIT * 1000),
                "log_level": 0,
            }
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()

    def write(self, sent: Sent) -> None:
        """Write a record."""

        def told(error: object, message: Any) -> None:  # noqa: ANN401 - confluent_kafka has no types
            if error is None:
                sent.outcome, sent.offset = Outcome.ACCEPTED, message.offset()

        self.sent.append(sent)
        headers: list[tuple[str, str | bytes | None]] = [] if sent.identity is None else [("id", sent.identity)]
        self._producer.produce(
            self._topic, sent.value, sent.key, sent.partition, told, timestamp=int(time() * 1000), headers=headers
        )

    async def settle(self) -> None:
        """Wait until it is known of each what became of it, as far as that can be known."""
        await asyncio.to_thread(self._producer.flush, DELIVERY_LIMIT)

    def _serve(self) -> None:
        while not self._ending.is_set():
            self._producer.poll(0.1)


class Straight:
    """What is written beside the API.

    Args:
        writer: Writes it.
        chance: Decides.
    """

    def __init__(self, writer: Writer, chance: Random) -> None:
        self._writer = writer
        self._chance = chance
        self._numbers = count(1)

    def foreign(self) -> None:
        """Write as a producer that knows no keys and no ids, in any partition."""
        partition = self._chance.randrange(self._writer.partitions)
        self._write(partition, None, self._student("f", 40), None)

    def copies(self) -> None:
        """Write an update twice, with its id, as a tool that copies topics might: where it does not belong."""
        student = self._student("m", 20)
        home = partition_for(student, self._writer.partitions)
        others = [index for index in range(self._writer.partitions) if index != home]
        value, identity = self._value(student), b"copy-%d" % next(self._numbers)
        for partition in self._chance.sample(others, 2):
            self._writer.write(Sent(partition, None, value, identity))

    def own(self, students: int = 30, *, name: str = "s") -> None:
        """Write as the API does; at times twice, as if it had been asked again."""
        student = self._student(name, students)
        identity = b"own-%d" % next(self._numbers)
        value = self._value(student)
        home = partition_for(student, self._writer.partitions)
        for _ in range(1 if self._chance.random() > 0.1 else 2):  # noqa: PLR2004 - one in ten
            self._writer.write(Sent(home, student, value, identity))

    def fresh(self) -> None:
        """Write as the API does, of a student that there was not before, and will not be again."""
        self.own(1, name=f"n{next(self._numbers)}")

    def poison(self) -> None:
        """Write what is no update."""
        number = next(self._numbers)
        form, reason = self._chance.choice([*POISON.items()])
        key = self._chance.choice([None, b"p-%d" % number])
        partition = self._chance.randrange(self._writer.partitions)
        self._writer.write(Sent(partition, key, form % number, b"poison-%d" % number, reason))

    def _student(self, name: str, students: int) -> bytes:
        return b"%b-%d" % (name.encode(), self._chance.randrange(students))

    def _value(self, student: bytes) -> bytes:
        return b'{"StudentId":"%b","State":%d}' % (student, self._chance.randrange(2))

    def _write(self, partition: int, key: bytes | None, student: bytes, identity: bytes | None) -> None:
        self._writer.write(Sent(partition, key, self._value(student), identity))
