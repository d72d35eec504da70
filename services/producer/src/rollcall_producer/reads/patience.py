"""A client reads what it has written: until the view has it, the answer waits."""

import asyncio
from contextlib import suppress

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from rollcall_domain.partition import partition_for
from rollcall_domain.topics import ACTIVITY, ALERTS, STATE
from rollcall_producer import problems
from rollcall_producer.problems import Problem
from rollcall_producer.reads.parameters import Position
from rollcall_producer.settings import ProducerSettings
from rollcall_producer.views import queries
from rollcall_producer.views.group import Group
from rollcall_producer.views.queries import Found
from rollcall_producer.views.view import View

ASKING = 0.05
"""Seconds between questions to Kafka how far the group has come."""


class Patience:
    """Waits until the view has what came of an update.

    Args:
        settings: The service's settings.
        view: The view.
        group: The group whose work it shows.
    """

    def __init__(self, settings: ProducerSettings, view: View, group: Group) -> None:
        self._settings = settings
        self._view = view
        self._group = group
        self._deadline = settings.deadline_seconds

    async def record(self, student_id: str, after: Position | None) -> Found | None:
        """Find a student's record, once it reflects a place in the topic Student, if one is given.

        Raises:
            Problem: It does not within the deadline.
            UnreadableViewError: The view can't be read.
        """
        if after is None:
            return await self._view.read(lambda snapshot: queries.record(snapshot, student_id))
        own = partition_for(student_id.encode(), self._settings.partitions) == after.partition
        reflected = asyncio.create_task(self._reflected(after))
        try:
            async with asyncio.timeout(self._deadline):
                while True:
                    is_reflected = reflected.done()
                    found = await self._view.read(lambda snapshot: queries.record(snapshot, student_id))
                    if is_reflected or (own and found is not None and found.record.version >= after.offset):
                        return found
                    await self._news(reflected)
        except TimeoutError:
            raise self._problem(after) from None
        finally:
            reflected.cancel()

    async def _news(self, reflected: asyncio.Task[None]) -> None:
        """Wait until the view has changed, or is known to reflect what is waited for."""
        changed = asyncio.create_task(self._view.changed())
        try:
            await asyncio.wait([changed, reflected], return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()

    async def all(self, after: Position | None) -> None:
        """Wait until all of the view reflects a place in the topic Student, if one is given.

        Raises:
            Problem: It does not within the deadline.
            UnreadableViewError: The view can't be read.
        """
        if after is None:
            return
        try:
            async with asyncio.timeout(self._deadline):
                await self._reflected(after)
        except TimeoutError:
            raise self._problem(after) from None

    async def _reflected(self, after: Position) -> None:
        """Wait until the group is done with an update, and the view with all that the group has written by then."""
        ends = None
        while ends is None:
            with suppress(KafkaError):  # which may be there again within the deadline
                ends = await self._ends(after)
            if ends is None:
                await asyncio.sleep(ASKING)
        while True:
            positions = await self._view.read(queries.positions)
            if all(positions.get(partition, 0) >= end for partition, end in ends.items()):
                return
            await self._view.changed()

    async def _ends(self, after: Position) -> dict[TopicPartition, int] | None:
        """Tell where what the group writes ends, if it is done with an update."""
        if self._group.generation is None or not await self._group.has_handled(*after):
            return None
        names = self._settings.names(self._group.generation)
        topics = [names.topic_name(topic) for topic in (STATE, ACTIVITY, ALERTS)]
        return await self._group.ends([TopicPartition(topic, after.partition) for topic in topics])

    def _problem(self, after: Position) -> Problem:
        detail = f"the view does not reflect {after} within {self._deadline:g} s; the worker may be behind"
        return problems.later("behind", detail)
