"""What is in topics, and committed; read by librdkafka, which shares no code with what is proven."""

import asyncio
from collections.abc import Callable, Sequence
from threading import Event, Thread
from time import monotonic
from types import TracebackType
from typing import Any, NamedTuple, Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

PATIENCE = 60.0
"""Seconds for a reader to come to the end."""

PORTION = 1000
"""Records that are read at a time."""

POLL = 0.2
"""Seconds that a reader waits for them."""


class Line(NamedTuple):
    """A record in the log.

    Attributes:
        offset: Where it is in its partition.
        timestamp: Milliseconds since 1970, UTC.
        key: Its key.
        value: Its value.
        headers: Its headers.
    """

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    @property
    def identity(self) -> bytes | None:
        """Its id, if it has one."""
        return next((value for name, value in self.headers if name == "id"), None)


Log = dict[str, list[list[Line]]]
"""The records of topics, by topic and partition."""


class Reader:
    """Reads topics from the first record on, also while others write, in a thread of its own.

    Args:
        servers: The cluster's bootstrap servers.
        topics: The topics' names.
        partitions: How many partitions each of them has.

    Attributes:
        log: What it has read.
        arrivals: When each record of it came, in seconds of the monotonic clock.
        faults: What has gone wrong that is not to be tried again, in words.
    """

    def __init__(self, servers: str, topics: Sequence[str], partitions: int) -> None:
        self.log: Log = {topic: [[] for _ in range(partitions)] for topic in topics}
        self.arrivals = {topic: {index: list[float]() for index in range(partitions)} for topic in topics}
        self.faults: list[str] = []
        self._assigned = [
            TopicPartition(topic, index, OFFSET_BEGINNING) for topic in topics for index in range(partitions)
        ]
        self._at_end: set[tuple[str, int]] = set()
        self._ending = Event()
        self._thread = Thread(target=self._run, daemon=True)
        self._consumer = Consumer(
            {
                "bootstrap.servers": servers,
                "group.id": "chaos",  # without which there is no consumer; it never joins or commits
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 200,
                "log_level": 0,
            }
        )

    def __enter__(self) -> Self:
        self._consumer.assign(self._assigned)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()
        self._consumer.close()

    async def complete(self) -> bool:
        """Read on to what was the end when it was come to; tell whether it was."""
        return await self._until(lambda: len(self._at_end) == len(self._assigned))

    async def follow(self, log: Log) -> bool:
        """Read on to the last records of another one's log; tell whether they came."""
        last = [
            (topic, index, lines[-1].offset)
            for topic, parts in log.items()
            for index, lines in enumerate(parts)
            if lines
        ]
        return await self._until(lambda: all(self._has(*place) for place in last))

    def _has(self, topic: str, index: int, offset: int) -> bool:
        lines = self.log[topic][index]
        return bool(lines) and lines[-1].offset >= offset

    async def _until(self, holds: Callable[[], bool]) -> bool:
        end = monotonic() + PATIENCE
        while not holds():
            if monotonic() > end:
                return False
            await asyncio.sleep(POLL)
        return True

    def _run(self) -> None:
        while not self._ending.is_set():
            for message in self._consumer.consume(PORTION, POLL):
                self._take(message)

    def _take(self, message: Any) -> None:  # noqa: ANN401 - confluent_kafka has no types
        error = message.error()
        place = message.topic(), message.partition()
        if error is None:
            headers = tuple((name, value or b"") for name, value in message.headers() or ())
            line = Line(message.offset(), message.timestamp()[1], message.key(), message.value(), headers)
            self.log[place[0]][place[1]].append(line)
            self.arrivals[place[0]][place[1]].append(monotonic())
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its name
            self._at_end.add(place)
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001 - as above
            self.faults.append(f"a reader of {place[0]}-{place[1]} could not go on: {error.str()}")


async def read(servers: str, topics: Sequence[str], partitions: int) -> Log:
    """Read all that is committed.

    Raises:
        TimeoutError: The end did not come.
    """
    with Reader(servers, topics, partitions) as reader:
        if not await reader.complete():
            raise TimeoutError("the topics could not be read to their end")
        return reader.log
