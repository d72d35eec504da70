"""The roll of one partition: the records of its students, its minutes and its alerts. The fold of all updates.

What it does depends on the updates alone, and on the time that it is told: no clock, no I/O. An update that is applied
a second time changes nothing.
"""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from rollcall_domain.activity import Activity, Minute
from rollcall_domain.alert import Alert, alert
from rollcall_domain.errors import MisplacedError
from rollcall_domain.events import State, StudentRecordUpdate, check_student_id
from rollcall_domain.partition import partition_for
from rollcall_domain.record import NOTHING, StudentRecord, advance
from rollcall_domain.rules import Limit, Rules
from rollcall_domain.watch import Watch


class Place(NamedTuple):
    """Where a roll is one of several.

    Attributes:
        partition: Its index.
        partitions: How many there are.
    """

    partition: int
    partitions: int


class Changes(NamedTuple):
    """What has come of updates.

    Attributes:
        records: Those that have changed, as they are now.
        minutes: The same of minutes.
        alerts: Those that were raised, in order.
    """

    records: Sequence[StudentRecord]
    minutes: Sequence[Minute]
    alerts: Sequence[Alert]


class Roll:
    """The students of one partition.

    Args:
        place: Which partition.
        rules: What raises an alert.
    """

    def __init__(self, place: Place, rules: Rules) -> None:
        self._place = place
        self._rules = [[(rule.name, rule.judge) for rule in rules.rules if rule.state is state] for state in State]
        self._limits = [[(limit, Watch()) for limit in rules.limits if limit.state is state] for state in State]
        self._memory = rules.memory
        self._students: dict[str, StudentRecord] = {}
        self._activity = Activity(place.partition)
        self._changed: dict[str, StudentRecord] = {}
        self._alerts: list[Alert] = []

    def __len__(self) -> int:
        return len(self._students)

    def restore_record(self, record: StudentRecord) -> None:
        """Take in a record as it was kept."""
        self._students[record.student_id] = record

    def restore_minute(self, minute: Minute) -> None:
        """Take in a minute as it was kept."""
        self._activity.restore(minute)

    def restored(self) -> tuple[int, int]:
        """Begin to work with what was taken in.

        Returns:
            The offsets of the last updates that were applied, in `Student` and in the inbox; -1 if none was.
        """
        version = inbox_version = NOTHING
        for record in self._students.values():
            self._begin_stay(record)
            version, inbox_version = max(version, record.version), max(inbox_version, record.inbox_version)
        return version, inbox_version

    def apply(self, update: StudentRecordUpdate, at: int, offset: int, cause: bytes, *, inbox: bool = False) -> bool:
        """Apply an update.

        Args:
            update: What has happened.
            at: When, in milliseconds since 1970, UTC.
            offset: Where the update is in its input.
            cause: What tells it from all others, for alerts.
            inbox: Whether it comes from the inbox.

        Returns:
            Whether it was applied; it was before, if not.

        Raises:
            InvalidStudentIdError: No record may have this StudentId.
            MisplacedError: The student is of another partition.
        """
        student_id = update.student_id
        before = self._students.get(student_id)
        if before is None:
            self._check(student_id)
            version = inbox_version = NOTHING
        else:
            version, inbox_version = before.version, before.inbox_version
        if offset <= (inbox_version if inbox else version):
            return False
        if inbox:
            inbox_version = offset
        else:
            version = offset
        after = advance(before, update, at, version, inbox_version, self._memory)
        if before is None or at >= before.seen:
            state = after.state
            for name, judge in self._rules[state]:
                detail = judge(before, after)
                if detail is not None:
                    self._alerts.append(alert(name, student_id, at, cause.decode(errors="replace"), detail))
            if before is None:
                self._begin_stay(after)
            elif state is not before.state:
                self._end_stay(before, at)
                self._begin_stay(after)
        self._students[student_id] = self._changed[student_id] = after
        self._activity.count(update.state, at)
        return True

    def _check(self, student_id: str) -> None:
        check_student_id(student_id)
        partition = partition_for(student_id.encode(), self._place.partitions)
        if partition != self._place.partition:
            raise MisplacedError(student_id, partition)

    def _end_stay(self, record: StudentRecord, at: int) -> None:
        """Find out whether a student has stayed for too long who does not stay any more."""
        for limit, _ in self._limits[record.state]:
            if at - record.since >= limit.span and limit.name not in record.raised:
                self._raise(limit, record)

    def _begin_stay(self, record: StudentRecord) -> None:
        """Have the clock find out whether a student stays for too long."""
        for limit, watch in self._limits[record.state]:
            if record.student_id not in watch.students and limit.name not in record.raised:
                watch.add(record.student_id, record.since + limit.span)

    def _raise(self, limit: Limit, record: StudentRecord) -> None:
        since = record.since
        self._alerts.append(alert(limit.name, record.student_id, since + limit.span, str(since), limit.detail))

    def next_due(self) -> int | None:
        """Tell when `tick` may have something to do, in milliseconds since 1970, UTC; None for never."""
        watches = [watch for limits in self._limits for _, watch in limits]
        return min((due for watch in watches if (due := watch.next()) is not None), default=None)

    def tick(self, now: int) -> None:
        """Raise alerts because nothing has happened.

        Args:
            now: The time up to which all updates were applied, in milliseconds since 1970, UTC.
        """
        for limits in self._limits:
            for limit, watch in limits:
                for student_id in list(watch.pop(now)):
                    self._look(limit, self._students[student_id], now)

    def _look(self, limit: Limit, record: StudentRecord, now: int) -> None:
        """Find out whether a student has stayed for too long who was watched, and watch them on."""
        if record.state is limit.state and record.since + limit.span <= now:
            self._raise(limit, record)
            record = replace(record, raised=(*record.raised, limit.name))
            self._students[record.student_id] = self._changed[record.student_id] = record
        self._begin_stay(record)

    def take(self) -> Changes:
        """Give what has come of updates and of time since it was last taken."""
        changes = Changes(list(self._changed.values()), self._activity.take(), self._alerts)
        self._changed, self._alerts = {}, []
        return changes
