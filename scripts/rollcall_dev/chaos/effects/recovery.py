"""How soon others work in the place of a process that was killed."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from rollcall_dev.chaos.effects.harm import Harm
from rollcall_dev.chaos.effects.ledger import Entry, Mark
from rollcall_dev.chaos.effects.repeats import SECOND
from rollcall_dev.chaos.effects.stories import Story


class Recovery(NamedTuple):
    """What came after a kill.

    Attributes:
        seconds: Seconds until tries began again in all partitions in which the victim had begun the last one.
        alone: Whether no other harm was done meanwhile.
    """

    seconds: float
    alone: bool


def recoveries(stories: Mapping[str, Story], entries: Sequence[Entry], harms: Sequence[Harm]) -> Sequence[Recovery]:
    """Find out how long it took after each kill.

    Args:
        stories: What has become of alerts, by their ids.
        entries: What ledgers say, in the order of time.
        harms: What was done.

    Returns:
        What came after each kill whose victim had been at work, the shortest first.
    """
    begun: defaultdict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.mark is Mark.BEGUN and entry.alert in stories:
            begun[stories[entry.alert].partition].append(entry)
    times = [harm.at for harm in harms]
    found = []
    for harm in harms:
        end = _end([*begun.values()], harm)
        if end is not None:
            alone = not any(harm.at < at < end for at in times)
            found.append(Recovery((end - harm.at) / SECOND, alone))
    return sorted(found)


def _end(partitions: Iterable[Sequence[Entry]], harm: Harm) -> int | None:
    times = []
    for entries in partitions:
        place = bisect_right(entries, harm.at, key=lambda entry: entry.at)
        if 0 < place < len(entries) and entries[place - 1].process == harm.process:
            times.append(entries[place].at)
    return max(times, default=None)
