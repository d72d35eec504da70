"""For how long a client may let us wait."""

from rollcall_producer.connections import Limits


class Patience:
    """What a connection's client has taken of its time limits. It is told now and then that time has passed.

    Attributes:
        arrived: Bytes of a body that have come since they were last measured.
    """

    __slots__ = ("_limits", "_unread", "_unread_for", "_waited", "arrived")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._unread = 0
        self._unread_for = 0.0
        self.renew()

    def renew(self) -> None:
        """Begin to wait anew."""
        self._waited = 0.0
        self.arrived = 0

    def wait(self) -> None:
        """Note that we have waited from one sweep to the next."""
        self._waited += self._limits.sweep

    def has_waited(self, limit: float) -> bool:
        """Tell whether that was longer than a limit in seconds."""
        return self._waited > limit

    def is_body_too_slow(self) -> bool:
        """Tell whether a body comes too slowly. It is measured from time to time."""
        if self._waited <= self._limits.body:
            return False
        is_slow = self.arrived < self._limits.body_rate * self._limits.body
        self.renew()
        return is_slow

    def is_answer_untaken(self, unread: int, added: int) -> bool:
        """Tell whether nothing of an answer was taken for too long.

        Args:
            unread: Bytes of it that are left.
            added: Bytes that it had more since this was asked last.
        """
        untaken = unread - added >= self._unread > 0
        self._unread_for = self._unread_for + self._limits.sweep if untaken else 0.0
        self._unread = unread
        return self._unread_for > self._limits.answer

    def note_reading(self) -> None:
        """Note that the client takes its answers."""
        self._unread = 0
