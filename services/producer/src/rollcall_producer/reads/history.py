"""What a student's events were, from the log: all of them, or what they had come to."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from rollcall_domain.partition import partition_for
from rollcall_domain.record import StudentRecord
from rollcall_domain.service.cause import explain
from rollcall_domain.topics import INBOX, STUDENT
from rollcall_producer.errors import BusyError, UnreadableLogError
from rollcall_producer.past.archive import Archive
from rollcall_producer.past.fold import record_at
from rollcall_producer.past.student import Event, Spans, events
from rollcall_producer.problems import RETRY_AFTER
from rollcall_producer.settings import ProducerSettings
from rollcall_producer.views.view import View

READERS = 4
"""Students whose events are read at a time: it takes time that others need as well."""


class History:
    """Reads students' events.

    Args:
        settings: The service's settings.
        archive: The log.
        view: Tells which generation serves.
    """

    def __init__(self, settings: ProducerSettings, archive: Archive, view: View) -> None:
        self._settings = settings
        self._archive = archive
        self._view = view
        self._turns = asyncio.Semaphore(READERS)

    async def record_at(self, student_id: str, time: int) -> StudentRecord | None:
        """Fold a student's record as it was at a time, in milliseconds since 1970, UTC.

        Raises:
            UnreadableLogError: The log can't be read.
            BusyError: Too many ask.
        """
        async with self.reading():
            spans = await self.spans(student_id)
            async with aclosing(events(self._archive, student_id, spans)) as found:
                return await record_at(found, time)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Have a turn while the body runs.

        Raises:
            UnreadableLogError: The log can't be read.
            BusyError: Too many ask.
        """
        try:
            async with asyncio.timeout(self._settings.deadline_seconds):
                await self._turns.acquire()
        except TimeoutError:
            raise BusyError(RETRY_AFTER, "too many ask for what was") from None
        try:
            yield
        except (KafkaError, OSError) as error:
            raise UnreadableLogError(f"the log can't be read: {explain(error)}") from error
        finally:
            self._turns.release()

    async def spans(self, student_id: str, begin: int | None = None) -> Spans:
        """Find out where a student's events may lie.

        Args:
            student_id: Who.
            begin: The time from which on they are wanted, in milliseconds since 1970, UTC; None for all.

        Raises:
            KafkaError: Kafka can't be reached, or refuses.
        """
        index = partition_for(student_id.encode(), self._settings.partitions)
        names = self._settings.names(await self._view.read(lambda snapshot: snapshot.generation))
        student, inbox = (TopicPartition(names.topic_name(topic), index) for topic in (STUDENT, INBOX))
        (first, end), (inbox_first, inbox_end) = await self._archive.bounds([student, inbox], begin)
        return Spans((student, inbox), (first, inbox_first), (end, inbox_end))

    def events(self, student_id: str, spans: Spans) -> AsyncGenerator[Event, None]:
        """Read a student's events; to be done within a turn."""
        return events(self._archive, student_id, spans)
