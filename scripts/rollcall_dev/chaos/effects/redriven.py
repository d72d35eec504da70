"""What has become of dead letters that were sent back once all was mended."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from rollcall_dev.chaos.effects.ledger import Entry, Mark
from rollcall_dev.chaos.effects.letters import Letters
from rollcall_dev.chaos.effects.stories import Story
from rollcall_dev.chaos.record.verdict import DOUBLED, LOST, WRONG, Verdict


def check_redriven(stories: Mapping[str, Story], entries: Sequence[Entry], letters: Letters, verdict: Verdict) -> int:
    """Check that each letter that was sent back has succeeded once, and nothing else was done.

    Args:
        stories: What had become of alerts before.
        entries: What ledgers say from then on.
        letters: The dead letters that there are now.
        verdict: Is told what is wrong.

    Returns:
        How many have succeeded.
    """
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        found[entry.alert].append(entry)
    dead = {story.alert.id for story in stories.values() if story.act.kind.is_dead}
    for alert in dead:
        successes = sum(entry.mark is Mark.DONE for entry in found[alert])
        verdict.add(LOST, f"was sent back, and has not succeeded: {stories[alert]}", times=1 - successes)
        verdict.add(DOUBLED, f"was sent back, and has succeeded again: {found[alert]}", times=successes - 1)
        if {entry.delivery for entry in found[alert]} - {entry.delivery for entry in stories[alert].entries}:
            verdict.add(WRONG, f"is called otherwise than before it was sent back: {found[alert]}")
    others = found.keys() - dead
    verdict.add(WRONG, f"was handled though it was no dead letter: {[*others][:1]}", times=len(others))
    verdict.add(WRONG, "dead letters have no note that they were sent back", times=len(dead) - letters.notes)
    verdict.add(WRONG, "there are more notes of that than letters", times=letters.notes - len(dead))
    return sum(entry.mark is Mark.DONE for entry in entries)
