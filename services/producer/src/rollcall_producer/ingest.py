"""From a valid update to a record that is on its way: its identity, its headers, its lane."""

from rollcall_domain.headers import ID, TRACEPARENT
from rollcall_producer import metrics
from rollcall_producer.batch import Batch
from rollcall_producer.ids import ids
from rollcall_producer.lanes import Address, Lanes
from rollcall_producer.repeats import Repeats
from rollcall_producer.update import Update


class Ingest:
    """Takes updates in."""

    def __init__(self, lanes: Lanes) -> None:
        self.lanes = lanes
        self.new_ids = ids()
        self._repeats = Repeats()

    def admit(self, update: Update, identity: bytes | None, trace: bytes | None) -> tuple[Batch, int, bytes, bool]:
        """Take an update in, if there is room for it.

        Args:
            update: What is to be written.
            identity: The id that its caller has given it, or None.
            trace: The W3C trace that it belongs to, or None.

        Returns:
            The batch that it travels in, and its place there; its id; and whether it repeats an earlier one, and was
            not written again.

        Raises:
            Problem: Its time is out of range.
            InvalidStudentIdError: No record may carry its StudentId.
            ReusedIdError: Another update had its id.
            BusyError: There is no room at present.
            NotWrittenError: There is no room, and Kafka takes nothing.
            RecordTooLargeError: The topic takes no record as large as this.
        """
        address = self.lanes.addresses.get(update.student_id) or self.lanes.address(update.student_id)
        address.lane.check_room()
        return self._take(address, update, identity, trace)

    def take(self, update: Update, identity: bytes | None, trace: bytes | None) -> tuple[Batch, int, bytes, bool]:
        """Take an update in, whether or not there is room; otherwise as `admit`."""
        return self._take(self.lanes.address(update.student_id), update, identity, trace)

    def _take(
        self, address: Address, update: Update, identity: bytes | None, trace: bytes | None
    ) -> tuple[Batch, int, bytes, bool]:
        value = address.values[update.state]
        timestamp = update.timestamp()
        given = None if update.at is None else timestamp
        if identity is not None:
            first = self._repeats.find(identity, value, given)
            if first is not None:
                metrics.repeats.inc()
                return *first, identity, True
        new = next(self.new_ids) if identity is None else identity
        headers = [(ID, new)] if trace is None else [(ID, new), (TRACEPARENT, trace)]
        batch = address.lane.add(timestamp, address.key, value, headers)
        if identity is not None:
            self._repeats.remember(identity, value, given, batch)
        return batch, batch.count - 1, new, False
