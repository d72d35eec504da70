"""A roll under test: all that has come of it, as it would lie on its topics."""

from datetime import timedelta
from typing import NamedTuple

from rollcall_domain import codec
from rollcall_domain.activity import Minute
from rollcall_domain.alert import Alert
from rollcall_domain.events import State, StudentRecordUpdate
from rollcall_domain.record import SOURCE, StudentRecord
from rollcall_domain.roll import Place, Roll
from rollcall_domain.rules import ManyLogins, Rules, TwoPlaces, too_long

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
IN, OUT = State.LoggedIn, State.LoggedOut

RULES = Rules([ManyLogins(3, timedelta(minutes=10)), TwoPlaces()], [too_long(timedelta(hours=12))])


class Update(NamedTuple):
    """An update where it lies in the log. Times are milliseconds since 1970."""

    offset: int
    student_id: str
    state: State
    at: int
    source: int = SOURCE

    @property
    def cause(self) -> bytes:
        """Its id."""
        return b"%d-%d" % (self.source, self.offset)


class Book:
    """A roll, and what it has written.

    Attributes:
        alerts: All alerts, in order.
        roll: The roll itself.
    """

    def __init__(self, rules: Rules = RULES, place: Place = Place(0, 1)) -> None:  # noqa: B008 - it is immutable
        self.alerts: list[Alert] = []
        self._place = place
        self._rules = rules
        self._records: dict[str, bytes] = {}
        self._minutes: dict[str, bytes] = {}
        self.roll = Roll(place, rules)

    def apply(self, *updates: Update) -> list[bool]:
        """Apply updates, and tell of each whether it was."""
        return [
            self.roll.apply(StudentRecordUpdate(u.student_id, u.state), u.at, u.source, u.offset, u.cause)
            for u in updates
        ]

    def take(self) -> list[Alert]:
        """Write what has come of it, and give the alerts."""
        records, minutes, alerts = self.roll.take()
        self._records |= {record.student_id: codec.encode(record) for record in records}
        self._minutes |= {minute.key: codec.encode(minute) for minute in minutes}
        self.alerts += alerts
        return list(alerts)

    def restart(self) -> None:
        """Go on with another roll, which has what was written."""
        self.roll = Roll(self._place, self._rules)
        self.roll.restore_records(map(codec.decode_record, self._records.values()))
        self.roll.restore_minutes(map(codec.decode_minute, self._minutes.values()))
        self.roll.restored()

    def record(self, student_id: str = "s-1") -> StudentRecord:
        """Give a record as it is written."""
        self.take()
        return codec.decode_record(self._records[student_id])

    def records(self) -> list[StudentRecord]:
        """Give all records as they are written."""
        self.take()
        return sorted(map(codec.decode_record, self._records.values()), key=lambda record: record.student_id)

    def minutes(self) -> list[Minute]:
        """Give all minutes as they are written."""
        self.take()
        return sorted(map(codec.decode_minute, self._minutes.values()), key=lambda minute: minute.start)


def story(*steps: tuple[State, int], student_id: str = "s-1") -> list[Update]:
    """Make updates of a student: states and times."""
    return [Update(offset, student_id, state, at) for offset, (state, at) in enumerate(steps)]
