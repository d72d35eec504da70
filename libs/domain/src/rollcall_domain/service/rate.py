"""So many a second: token buckets, by arithmetic on the time at which a bucket will be full again.

That time is all there is to a bucket, in seconds of the monotonic clock; one that has passed is a full bucket. There
are no timers, and nothing to be done for a bucket that nobody takes from.
"""


class Rate:
    """A rate, and a bucket's size: what comes in within a time, and one at the least.

    Args:
        per_second: How many a second; more than 0.
        seconds: That time.
    """

    def __init__(self, per_second: float, seconds: float = 1.0) -> None:
        self._each = 1 / per_second
        self._size = max(seconds, self._each)

    def take(self, full_at: float, now: float, count: int = 1) -> float:
        """Take from a bucket, also what it does not have; give the time at which it will be full again."""
        return max(full_at, now) + count * self._each

    def free_at(self, full_at: float, count: int = 1) -> float:
        """Give the time from which on there are so many to take, which are no more than a bucket holds."""
        return full_at - self._size + count * self._each
