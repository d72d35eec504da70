"""What an effect is to the runtime: a handler that touches the outside world, and on what terms it is called."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Generic, TypeAlias, TypeVar

import msgspec

from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.service.records import Record
from rollcall_domain.topics import Topic

T = TypeVar("T")


class Delivery(msgspec.Struct, Generic[T], frozen=True, gc=False):
    """A record, as a handler is given it.

    Attributes:
        id: Tells the record from all others, whenever and however often it is delivered, also after it was among the
            dead letters: whoever is told it twice knows.
        event: What the record says.
        timestamp: When that was, in milliseconds since 1970, UTC.
        attempt: Which try it is, from 1 on.
    """

    id: str
    event: T
    timestamp: int
    attempt: int


Handle: TypeAlias = Callable[[Delivery[T]], Awaitable[None]]
"""Acts upon a record, and returns once that is done.

It may be called again for the same record: after it has raised something or has taken too long, and when the replica
has died before it was noted that it is done. It is cancelled when it takes too long, and may be when the replica ends.

Raises:
    PermanentError: No other try would do any better: the record belongs among the dead letters.
    UnavailableError: What it depends on can't be used now, by no record. So do a ConnectionError and a TimeoutError.
    Exception: Anything else: it is to be tried again.
"""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """On what terms a handler is called.

    Attributes:
        lanes: How many keys are at work at a time, in one replica.
        queue: How many records of a partition are in hand at the most, those included that wait.
        limit: Seconds that a try may take.
        tries: How many tries a record gets before it goes to the dead letters.
        first_pause: Seconds after the first try that failed; after each further one it is twice as long.
        longest_pause: Seconds that it never exceeds.
        grace: Seconds that tries get to end when partitions move, while the whole group waits. Those that take longer
            go on if the partition comes back to the same replica, and are cancelled if it does not.
    """

    lanes: int = 256
    queue: int = 10_000
    limit: float = 30.0
    tries: int = 10
    first_pause: float = 1.0
    longest_pause: float = 300.0
    grace: float = 5.0


def _key(record: Record) -> bytes | None:
    return record.key


def _one(_: ConsumerSettings) -> Callable[[object], str]:
    return lambda _: "all"


class Effect(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A handler, and what it is called for.

    Attributes:
        name: What the pipeline is called on the command line.
        source: The topic that it reads.
        read: Reads the value of a record. Raises an UnreadableRecordError for one that belongs among the dead letters.
        handler: Opens what the handler takes, gives the handler, and closes all again.
        terms: On what terms it is called.
        key: Gives what a record is about: records of a key are handled one after the other. None if it has no order.
        target: Makes what tells which of the things that the handler depends on an event takes, such as a host.
    """

    name: str
    source: Topic
    read: Callable[[bytes], T]
    handler: Callable[[ConsumerSettings], AbstractAsyncContextManager[Handle[T]]]
    terms: Terms = Terms()
    key: Callable[[Record], bytes | None] = _key
    target: Callable[[ConsumerSettings], Callable[[T], str]] = _one
