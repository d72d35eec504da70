"""Callers of `PUT /Record/Update`: each sends the updates of its own students, one after the other."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from itertools import count

import msgspec

from rollcall_dev.chaos.http import BROKEN, Answer, Connection, request
from rollcall_dev.chaos.ledger import Attempt, Ledger, Outcome

STATES = ("LoggedIn", "LoggedOut")

STUDENTS = 4
"""Students of each caller."""

PAUSE = 0.1
"""Seconds before an update is tried again, or where there is nobody to send it to."""

REPEAT, TWICE, INVALID, HANG_UP = 5, 7, 40, 97
"""Which updates are sent again after they were accepted, sent twice at once, are faulty, or are not waited for."""


class Door:
    """Where the API is.

    Attributes:
        host: Its address.
        port: Its port.
        process: The number of the process that is there now.
        ending: Whether callers are to end.
    """

    def __init__(self, host: str, port: int, process: int = 0) -> None:
        self.host = host
        self.port = port
        self.process = process
        self.ending = False

    def lead_to(self, other: "Door") -> None:
        """Be where another one is, from the next connection on."""
        self.host, self.port, self.process = other.host, other.port, other.process


class Line:
    """A connection to the API, and which of its processes is at the other end."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self.connection = Connection(door.host, door.port)
        self.process = 0

    async def ready(self) -> bool:
        """Connect if need be; wait a little where there is nobody."""
        if self.connection.is_open:
            return True
        self.connection.drop()
        self.process = self._door.process
        self.connection = Connection(self._door.host, self._door.port)
        try:
            await self.connection.open()
        except OSError:
            await asyncio.sleep(PAUSE)
            return False
        return True


@dataclass
class Put:
    """An update to be sent by itself.

    Attributes:
        student: Whose.
        state: 0 for LoggedIn, 1 for LoggedOut.
        key: Its id, if its caller gives it one.
        faulty: Whether it names a state that there is none of.
        hang_up: Whether its caller goes away without waiting for the answer.
        bulk: What makes its trace longer.
    """

    student: str
    state: int
    key: str | None = None
    faulty: bool = False
    hang_up: bool = False
    bulk: str = ""

    def request(self, trace: str) -> bytes:
        """Build the request, with the trace that tells its record in the log."""
        headers = {"Content-Type": "application/json", "traceparent": f"00-{trace}-00000000000000aa-01{self.bulk}"}
        if self.key is not None:
            headers["Idempotency-Key"] = self.key
        name = "Asleep" if self.faulty else STATES[self.state]
        return request(
            "PUT",
            "/Record/Update",
            headers,
            b'{"StudentId":"%b","State":"%b"}' % (self.student.encode(), name.encode()),
        )


class Callers:
    """Sends updates of single students.

    Args:
        ledger: Where each attempt is noted.
        door: Where the API is.
        told: Is called after each answer.
    """

    def __init__(self, ledger: Ledger, door: Door, told: Callable[[Outcome], None]) -> None:
        self._ledger = ledger
        self._door = door
        self._told = told
        self._traces = count(1)

    async def call(self, number: int) -> None:
        """Send updates until told to end; a caller with an even number gives them keys."""
        line, other = Line(self._door), Line(self._door)
        for turn in count(1):
            if self._door.ending:
                break
            student, state = f"c{number}-{turn % STUDENTS}", turn // STUDENTS % 2
            if turn % INVALID == 0:
                await self.put(line, Put(student, state, faulty=True))
            elif number % 2:
                await self.put(line, Put(student, state, hang_up=turn % HANG_UP == 0))
            else:
                await self._repeat(line, other, Put(student, state, f"{student}-{turn}"), turn)
        line.connection.drop()
        other.connection.drop()

    async def _repeat(self, line: Line, other: Line, update: Put, turn: int) -> None:
        """Send an update with a key until it is accepted, and at times more often than that."""
        if turn % HANG_UP == 0:
            await self.put(line, replace(update, hang_up=True))
        if turn % TWICE == 0:
            outcomes = await asyncio.gather(self.put(line, update), self.put(other, update))
            if Outcome.ACCEPTED in outcomes:
                return
        if await self.insist(line, update) and turn % REPEAT == 0:
            await self.put(line, update)

    async def insist(self, line: Line, update: Put) -> bool:
        """Send an update again and again; tell whether it was accepted before callers were to end."""
        while await self.put(line, update) is not Outcome.ACCEPTED:
            if self._door.ending:
                return False
            await asyncio.sleep(PAUSE)
        return True

    async def put(self, line: Line, update: Put) -> Outcome:
        """Send an update, and note what is told of it."""
        while not await line.ready():
            if self._door.ending:
                return Outcome.UNKNOWN
        trace = f"{next(self._traces):032x}"
        attempt = Attempt(update.student, update.state, line.process, update.key, ("trace", trace))
        self._ledger.begin(attempt)
        try:
            if update.hang_up:
                await line.connection.send(update.request(trace))
                line.connection.drop()
                attempt.settle(Outcome.UNKNOWN)
                return Outcome.UNKNOWN
            answer = await line.connection.ask(update.request(trace))
        except BROKEN as error:
            attempt.settle(Outcome.UNKNOWN)
            if isinstance(error, TimeoutError):
                self._ledger.oddities.append(f"no answer to {attempt}")
        else:
            attempt.settle(self._read(answer))
            self._ledger.time(attempt.end - attempt.begin)
        self._told(attempt.outcome)
        return attempt.outcome

    def _read(self, answer: Answer) -> Outcome:
        if answer.status == HTTPStatus.OK:
            return Outcome.ACCEPTED
        if HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Outcome.REJECTED
        if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
            return Outcome(msgspec.json.decode(answer.body)["outcome"])
        self._ledger.oddities.append(f"PUT was answered {answer.status}: {answer.body[:200]!r}")
        return Outcome.UNKNOWN
