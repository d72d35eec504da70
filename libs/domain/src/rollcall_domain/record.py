"""The record of one student, and how an update changes it.

Updates are applied in the order of the log. One whose time lies before that of an update which was applied already is
late: it is counted, and else changes nothing, because what came after it is known already.
"""

import msgspec

from rollcall_domain.events import State, StudentRecordUpdate

LOGGED_IN = State.LoggedIn
"""By a name of its own: looking it up in the enumeration takes longer than comparing with it."""

NOTHING = -1
"""The version of a record to which nothing was applied from an input."""


class Memory(msgspec.Struct, frozen=True):
    """Which logins a record remembers.

    Attributes:
        count: How many at the most.
        span: For how many milliseconds, counted back from the latest.
    """

    count: int
    span: int


NO_MEMORY = Memory(1, 0)
"""The latest login alone."""


class StudentRecord(msgspec.Struct, frozen=True, gc=False, rename="pascal", omit_defaults=True):
    """What is known of a student. Times are milliseconds since 1970, UTC.

    Attributes:
        student_id: Who.
        state: Whether the student is in: 0 for LoggedIn, 1 for LoggedOut.
        since: When that began.
        seen: The time of the latest update.
        logins: How often the student has logged in, late ones included.
        total: Milliseconds that the student was logged in, up to the last time of logging out.
        version: The offset in `Student` of the last update that was applied; -1 if there was none.
        inbox_version: The same for `Student.Inbox`.
        recent: When the student has logged in of late, as far as rules look back; the latest one last.
        raised: The rules that have raised an alert because nothing has happened since `since`.
    """

    student_id: str
    state: State
    since: int
    seen: int
    logins: int
    total: int
    version: int = NOTHING
    inbox_version: int = NOTHING
    recent: tuple[int, ...] = ()
    raised: tuple[str, ...] = ()


def advance(  # noqa: PLR0913, PLR0917 - it is called for every event, and to pack them up would take as long again
    before: StudentRecord | None,
    update: StudentRecordUpdate,
    at: int,
    version: int,
    inbox_version: int,
    memory: Memory,
) -> StudentRecord:
    """Apply an update.

    Args:
        before: The student's record so far, if there is one.
        update: What has happened.
        at: When, in milliseconds since 1970, UTC.
        version: The record's version from now on.
        inbox_version: The same for the inbox.
        memory: Which logins it is to remember.

    Returns:
        The record from now on.
    """
    state = update.state
    arrives = state is LOGGED_IN
    if before is None:
        first = (at,) if arrives else ()
        return StudentRecord(update.student_id, state, at, at, len(first), 0, version, inbox_version, first)
    since, seen, total, recent, raised = before.since, before.seen, before.total, before.recent, before.raised
    if at < seen:
        state = before.state
    else:
        seen = at
        if state is not before.state:
            if not arrives:
                total += at - since
            since, raised = at, ()
        if arrives:
            recent = _remember(recent, at, memory)
    logins = before.logins + arrives
    return StudentRecord(before.student_id, state, since, seen, logins, total, version, inbox_version, recent, raised)


def _remember(recent: tuple[int, ...], at: int, memory: Memory) -> tuple[int, ...]:
    horizon = at - memory.span
    if not recent or recent[-1] <= horizon:
        return (at,)
    if len(recent) >= memory.count:
        recent = recent[1 - memory.count :]
    while recent[0] <= horizon:
        recent = recent[1:]
    return (*recent, at)
