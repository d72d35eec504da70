"""The record of one student, and how an update changes it.

Updates are applied in the order of the log. One whose time lies before that of an update which was applied already is
late: it is counted, and else changes nothing, because what came after it is known already.
"""

import msgspec

from rollcall_domain.events import State, StudentRecordUpdate

LOGGED_IN = State.LoggedIn
"""By a name of its own: looking it up in the enumeration takes longer than comparing with it."""

SOURCE, INBOX = 0, 1
"""The inputs that updates come from, `Student` and `Student.Inbox`, as all that reads them counts them."""

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


def begin(update: StudentRecordUpdate, at: int, source: int, offset: int) -> StudentRecord:
    """Give the record of a student of whom nothing was known before an update. Arguments are those of `advance`."""
    state = update.state
    version, inbox_version = (NOTHING, offset) if source == INBOX else (offset, NOTHING)
    recent = (at,) if state is LOGGED_IN else ()
    return StudentRecord(update.student_id, state, at, at, len(recent), 0, version, inbox_version, recent)


def advance(  # noqa: PLR0913, PLR0917 - it is called for every event, and to pack them up would take as long again
    before: StudentRecord, update: StudentRecordUpdate, at: int, source: int, offset: int, memory: Memory
) -> StudentRecord | None:
    """Apply an update.

    Args:
        before: The student's record so far.
        update: What has happened.
        at: When, in milliseconds since 1970, UTC.
        source: The input that the update comes from: `SOURCE` or `INBOX`.
        offset: The update's offset there.
        memory: Which logins the record is to remember.

    Returns:
        The record from now on; None if the update was applied before.
    """
    version, inbox_version = before.version, before.inbox_version
    if source == INBOX:
        if offset <= inbox_version:
            return None
        inbox_version = offset
    elif offset <= version:
        return None
    else:
        version = offset
    state = before.state
    since, seen, logins, total = before.since, before.seen, before.logins, before.total
    recent, raised = before.recent, before.raised
    arrives = update.state is LOGGED_IN
    if arrives:
        logins += 1
    if at >= seen:
        seen = at
        if arrives:
            recent = _remember(recent, at, memory)
        if update.state is not state:
            state = update.state
            if not arrives:
                total += at - since
            since, raised = at, ()
    return StudentRecord(before.student_id, state, since, seen, logins, total, version, inbox_version, recent, raised)


def _remember(recent: tuple[int, ...], at: int, memory: Memory) -> tuple[int, ...]:
    """Add a login to those that are remembered, without those that are to be forgotten."""
    horizon = at - memory.span
    if not recent or recent[-1] <= horizon:
        return (at,)
    first = 0 if len(recent) < memory.count else len(recent) - memory.count + 1
    while recent[first] <= horizon:
        first += 1
    return recent[first:] + (at,)  # noqa: RUF005 - takes half the time
