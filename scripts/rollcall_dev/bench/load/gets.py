"""Reads at a pace, of one kind or of several in turns."""

from itertools import cycle

import msgspec
import uvloop

from rollcall_dev.bench.children import obey, say_ready
from rollcall_dev.bench.load.open import Job as Offer
from rollcall_dev.bench.load.open import Pool
from rollcall_dev.bench.load.phases import Phase, Seen

CONNECTIONS = 32
"""At the most."""

_PATIENCE = 10.0
"""Seconds for the last answers."""

_FOR_EVER = 3600.0


class Job(msgspec.Struct):
    """What to ask for.

    Attributes:
        host: Whom.
        port: Whom.
        targets: What, one after the other, again and again.
        rate: How many a second.
        seconds: For how long; 0 until it is ended.
        headers: Further lines of each head, each with its end.
    """

    host: str
    port: int
    targets: list[str]
    rate: float
    seconds: float = 0.0
    headers: str = ""


def work(job: Job) -> Seen:
    """Do a job."""
    payloads = [f"GET {target} HTTP/1.1\r\nhost: bench\r\n{job.headers}\r\n".encode() for target in job.targets]
    if not job.seconds:
        say_ready()
    phases = [Phase(job.rate, job.seconds or _FOR_EVER)]
    offer = Offer(job.host, job.port, CONNECTIONS, phases, _PATIENCE)
    (seen,) = uvloop.run(Pool(offer, cycle(payloads)).run())
    return seen


if __name__ == "__main__":
    obey(Job, work)
