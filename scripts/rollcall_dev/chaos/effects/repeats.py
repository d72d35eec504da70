"""Successes beyond the first, each of which has to have its reason: a kill, before it was noted what was done."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from rollcall_dev.chaos.effects.ledger import Entry
from rollcall_dev.chaos.effects.stories import Story
from rollcall_dev.chaos.record.verdict import DOUBLED, Verdict

SECOND = 1_000_000_000
"""Nanoseconds."""

SOON = 5 * SECOND
"""Nanoseconds after a success within which a kill explains that there is another one. Mostly it is committed within a
fifth of a second; on a busy machine, while thousands a second are handled, it takes longer."""

SLACK = SECOND // 20
"""Nanoseconds for which a process that is killed may go on."""


@dataclass
class Repeats:
    """Successes beyond the first.

    Attributes:
        count: How many there are.
        explained: How many of them have their reason.
        longest: Nanoseconds from a success to the kill for which there was another one, at the most.
    """

    count: int = 0
    explained: int = 0
    longest: int = 0


def check_repeats(stories: Iterable[Story], kills: Mapping[int, int], verdict: Verdict) -> Repeats:
    """Check that each repeat has its reason.

    Args:
        stories: What has become of alerts.
        kills: When each process was killed that was, in nanoseconds of the monotonic clock.
        verdict: Is told of those that have none.
    """
    repeats = Repeats()
    for story in stories:
        for first, again in pairwise(story.done):
            repeats.count += 1
            gap = _gap(first, again, kills)
            if gap is None:
                verdict.add(DOUBLED, f"has succeeded again without a kill: {story}")
            else:
                repeats.explained += 1
                repeats.longest = max(repeats.longest, gap)
    return repeats


def _gap(first: Entry, again: Entry, kills: Mapping[int, int]) -> int | None:
    """Give the nanoseconds from a success to the kill that explains the next one; None if none does."""
    killed = kills.get(first.process)
    if killed is None or again.at < killed - SLACK:
        return None
    gap = killed - first.at
    return gap if -SLACK <= gap <= SOON else None
