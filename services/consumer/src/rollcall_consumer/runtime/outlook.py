"""What is to be expected of a group: when it will have caught up, and with how many replicas it would in time."""

from collections.abc import Mapping
from math import ceil
from typing import NamedTuple

from rollcall_consumer.runtime.flow import Flow

HEADROOM = 0.8
"""How much of a core a replica is to take."""


class Outlook(NamedTuple):
    """What is to be expected of a group.

    Attributes:
        seconds_left: Seconds until nothing is left, if all goes on like this; infinity if it never comes to that.
        replicas: How many replicas are wanted; None if nobody knows.
    """

    seconds_left: float
    replicas: int | None


def look_ahead(flows: Mapping[int, Flow], speed: float, seconds: float) -> Outlook:
    """Find out what is to be expected.

    As many replicas are wanted as take what comes in, and work off in time what waits. For the latter there are never
    more than there are partitions in which something waits: no other replica could help.

    Args:
        flows: What happens to each index of partitions.
        speed: Records a second that a replica handles with all of a core; 0 if nobody knows, or if more replicas would
            not help.
        seconds: Seconds within which what waits is to be worked off.
    """
    left = max((flow.seconds_left for flow in flows.values()), default=0.0)
    if not speed:
        return Outlook(left, None)
    coming = sum(flow.coming for flow in flows.values())
    waiting = sum(flow.lag for flow in flows.values() if flow.lags)
    lagging = sum(flow.lags for flow in flows.values())
    steady = _replicas(coming, speed, sum(flow.coming > 0 for flow in flows.values()))
    return Outlook(left, max(steady, _replicas(coming + waiting / seconds, speed, lagging)))


def _replicas(rate: float, speed: float, most: int) -> int:
    return max(1, min(ceil(rate / (speed * HEADROOM)), most))
