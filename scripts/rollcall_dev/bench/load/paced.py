"""PUTs at a pace, each of the next student, and when each was sent."""

from collections.abc import Iterator
from time import monotonic

import msgspec
import uvloop

from rollcall_dev.bench.children import obey
from rollcall_dev.bench.load.open import Job as Offer
from rollcall_dev.bench.load.open import Pool
from rollcall_dev.bench.load.phases import Phase
from rollcall_dev.bench.load.phases import Seen as Answers
from rollcall_dev.bench.load.requests import put

_PATIENCE = 10.0
"""Seconds for the last answers."""

_STATES = ("LoggedIn", "LoggedOut")


class Job(msgspec.Struct):
    """What to send.

    Attributes:
        host: Where to.
        port: Where to.
        rate: How many a second.
        seconds: For how long.
        connections: How many at the most; one that would need another one is not sent.
        prefix: What the students are called; a number follows.
        students: How many there are.
        turn: How often each had an update before.
    """

    host: str
    port: int
    rate: float
    seconds: float
    connections: int
    prefix: str
    students: int
    turn: int = 0


class Sent(msgspec.Struct):
    """What was sent.

    Attributes:
        times: When each was, by the monotonic clock, which all processes share; they are numbered from 0.
        answers: What came of them.
    """

    times: list[float]
    answers: Answers


def work(job: Job) -> Sent:
    """Do a job."""
    times: list[float] = []

    def payloads() -> Iterator[bytes]:
        turn = job.turn
        while True:
            state = _STATES[turn % len(_STATES)]
            for number in range(job.students):
                payload = put(f"{job.prefix}{number}", state)
                times.append(monotonic())
                yield payload
            turn += 1

    phases = [Phase(job.rate, job.seconds)]
    (answers,) = uvloop.run(Pool(Offer(job.host, job.port, job.connections, phases, _PATIENCE), payloads()).run())
    return Sent(times, answers)


if __name__ == "__main__":
    obey(Job, work)
