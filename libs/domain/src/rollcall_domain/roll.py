"""The roll of one partition: the records of its students, its minutes and its alerts. The fold of all updates.

What it does depends on the updates alone, and on the time that it is told: no clock, no I/O. An update that is applied
a second time changes nothing.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from rollcall_domain.activity import Activity, Minute
from rollcall_domain.alert import Alert, alert
from rollcall_domain.errors import MisplacedError
from rollcall_domain.events import State, StudentRecordUpdate, check_student_id
from rollcall_domain.partition import partition_for
from rollcall_domain.record import LOGGED_IN, NOTHING, StudentRecord, advance, begin
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


class _Judgement:
    """What is looked at where students come to a state, or stay in it.

    Attributes:
        judges: What judges updates to it: name and function.
        limits: For how long they may stay, and who is watched for that.
    """

    def __init__(self, rules: Rules, state: State) -> None:
        self.judges = [(rule.name, rule.judge) for rule in rules.rules if rule.state is state]
        self.limits = [(limit, Watch()) for limit in rules.limits if limit.state is state]

    def watch(self, record: StudentRecord) -> None:
        """Have the clock find out whether a student stays for too long."""
        for limit, watch in self.limits:
            if record.student_id not in watch.students and limit.name not in record.raised:
                watch.add(record.student_id, record.since + limit.span)


class Roll:
    """The students of one partition.

    Args:
        place: Which partition.
        rules: What raises an alert.
    """

    def __init__(self, place: Place, rules: Rules) -> None:
        self._place = place
        self._arrivals = _Judgement(rules, State.LoggedIn)
        self._departures = _Judgement(rules, State.LoggedOut)
        self._memory = rules.memory
        self._students: dict[str, StudentRecord] = {}
        self._versions = (NOTHING, NOTHING)
        self._activity = Activity(place.partition)
        self._changed: dict[str, StudentRecord] = {}
        self._alerts: list[Alert] = []

    def __len__(self) -> int:
        return len(self._students)

    def restore_records(self, records: Iterable[StudentRecord]) -> None:
        """Take in records as they were kept; the latest of a student last."""
        students, logged_in, logged_out = self._students, self._arrivals.watch, self._departures.watch
        version, inbox_version = self._versions
        for record in records:
            students[record.student_id] = record
            if record.version > version:  # noqa: PLR1730 - takes a third of the time
                version = record.version
            if record.inbox_version > inbox_version:  # noqa: PLR1730 - as above
                inbox_version = record.inbox_version
            if record.state is LOGGED_IN:
                logged_in(record)
            else:
                logged_out(record)
        self._versions = version, inbox_version

    def restore_minutes(self, minutes: Iterable[Minute]) -> None:
        """Take in minutes as they were kept."""
        for minute in minutes:
            self._activity.restore(minute)

    def restored(self) -> tuple[int, int]:
        """Tell how far what was taken in has come.

        Returns:
            The offsets of the last updates that were applied, in `Student` and in the inbox; -1 if none was.
        """
        return self._versions

    def apply(self, update: StudentRecordUpdate, at: int, source: int, offset: int, cause: bytes) -> bool:
        """Apply an update.

        Args:
            update: What has happened.
            at: When, in milliseconds since 1970, UTC.
            source: The input that the update comes from: `record.SOURCE` or `record.INBOX`.
            offset: The update's offset there.
            cause: What tells it from all others, for alerts.

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
            after = begin(update, at, source, offset)
        else:
            advanced = advance(before, update, at, source, offset, self._memory)
            if advanced is None:
                return False
            after = advanced
        if before is None or at >= before.seen:
            state = after.state
            judges = self._arrivals.judges if state is LOGGED_IN else self._departures.judges
            for name, judge in judges:
                detail = judge(before, after)
                if detail is not None:
                    self._alerts.append(alert(name, student_id, at, cause.decode(errors="replace"), detail))
            if before is None or state is not before.state:
                self._move(before, after)
        self._students[student_id] = self._changed[student_id] = after
        self._activity.count(update.state, at)
        return True

    def _move(self, before: StudentRecord | None, after: StudentRecord) -> None:
        """See to the limits of the state that a student leaves, and to those of the one that begins."""
        if after.state is LOGGED_IN:
            left, entered = self._departures, self._arrivals
        else:
            left, entered = self._arrivals, self._departures
        if before is not None:
            for limit, _ in left.limits:
                if after.since - before.since >= limit.span and limit.name not in before.raised:
                    self._raise(limit, before)
        entered.watch(after)

    def _check(self, student_id: str) -> None:
        check_student_id(student_id)
        partition = partition_for(student_id.encode(), self._place.partitions)
        if partition != self._place.partition:
            raise MisplacedError(student_id, partition)

    def _raise(self, limit: Limit, record: StudentRecord) -> None:
        since = record.since
        self._alerts.append(alert(limit.name, record.student_id, since + limit.span, str(since), limit.detail))

    def next_due(self) -> int | None:
        """Tell when `tick` may have something to do, in milliseconds since 1970, UTC; None for never."""
        watches = [watch for judgement in (self._arrivals, self._departures) for _, watch in judgement.limits]
        return min((due for watch in watches if (due := watch.next()) is not None), default=None)

    def tick(self, now: int) -> None:
        """Raise alerts because nothing has happened.

        Args:
            now: The time up to which all updates were applied, in milliseconds since 1970, UTC.
        """
        for judgement in (self._arrivals, self._departures):
            for limit, watch in judgement.limits:
                for student_id in list(watch.pop(now)):
                    self._look(limit, self._students[student_id], now)

    def _look(self, limit: Limit, record: StudentRecord, now: int) -> None:
        """Find out whether a student has stayed for too long who was watched, and watch them on."""
        if record.state is limit.state and record.since + limit.span <= now and limit.name not in record.raised:
            self._raise(limit, record)
            record = replace(record, raised=(*record.raised, limit.name))
            self._students[record.student_id] = self._changed[record.student_id] = record
        judgement = self._arrivals if record.state is LOGGED_IN else self._departures
        judgement.watch(record)

    def take(self) -> Changes:
        """Give what has come of updates and of time since it was last taken."""
        changes = Changes(list(self._changed.values()), self._activity.take(), self._alerts)
        self._changed, self._alerts = {}, []
        return changes
