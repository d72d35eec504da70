"""A student's record as it was: folded from the log up to a time."""

from collections.abc import AsyncIterator

from rollcall_domain.record import NO_MEMORY, StudentRecord, advance, begin
from rollcall_producer.past.student import Event


async def record_at(events: AsyncIterator[Event], time: int) -> StudentRecord | None:
    """Fold a student's events up to a time, each id once.

    An event that was written later, and says that it had happened before, is among them.

    Args:
        events: The events, in order.
        time: In milliseconds since 1970, UTC.

    Returns:
        The record; None if there was nothing by then.
    """
    record: StudentRecord | None = None
    seen: set[bytes] = set()
    async for event in events:
        if event.timestamp > time or event.id in seen:
            continue
        if event.id is not None:
            seen.add(event.id)
        if record is None:
            record = begin(event.update, event.timestamp, event.source, event.offset)
        else:
            record = advance(record, event.update, event.timestamp, event.source, event.offset, NO_MEMORY) or record
    return record
