"""The proof: all that was seen in a run, and what is wrong with it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rollcall_dev.chaos.effects.harm import Harm, kills
from rollcall_dev.chaos.effects.ledger import Entry, Mark
from rollcall_dev.chaos.effects.letters import Origin, check_letters
from rollcall_dev.chaos.effects.recovery import Recovery, recoveries
from rollcall_dev.chaos.effects.repeats import Repeats, check_repeats
from rollcall_dev.chaos.effects.stories import Partitions, Story, tell
from rollcall_dev.chaos.record.verdict import INVERTED, LOST, WRONG, Verdict
from rollcall_domain.alert import Alert


@dataclass
class Evidence:
    """All that was seen in a run.

    Attributes:
        written: The alerts that were written.
        log: The topic `Student.Alerts`.
        entries: What ledgers say, in the order of time.
        harms: What was done to workers.
        letters: The topic `Student.DeadLetters`.
        parked: The topic `Student.Parked`.
        origin: Where letters come from.
    """

    written: Sequence[Alert]
    log: Partitions
    entries: Sequence[Entry]
    harms: Sequence[Harm]
    letters: Partitions
    parked: Partitions
    origin: Origin


@dataclass
class Proof:
    """What the evidence shows.

    Attributes:
        verdict: What is wrong.
        stories: What has become of each alert, by its id.
        marks: How many tries have begun, succeeded, failed, and were cut short.
        repeats: Successes beyond the first.
        letters: Dead letters, by reason.
        recoveries: What came after each kill whose victim had been at work, the shortest first.
    """

    verdict: Verdict
    stories: Mapping[str, Story]
    marks: Counter[Mark]
    repeats: Repeats
    letters: Counter[str]
    recoveries: Sequence[Recovery]


def prove(evidence: Evidence) -> Proof:
    """Find out what is wrong, if anything is."""
    verdict, stories = Verdict(), tell(evidence.log, evidence.entries)
    _check_log(evidence, stories, verdict)
    letters = check_letters(evidence.letters, stories, evidence.origin, verdict)
    for story in stories.values():
        _check_fate(story, letters.counts[story.alert.id], verdict)
        _check_tries(story, f"{evidence.origin.topic}-{story.partition}-{story.line.offset}", verdict)
    check_order(stories.values(), verdict)
    check_parked(evidence.parked, verdict)
    repeats = check_repeats(stories.values(), kills(evidence.harms), verdict)
    marks = Counter(entry.mark for entry in evidence.entries)
    return Proof(
        verdict, stories, marks, repeats, letters.reasons, recoveries(stories, evidence.entries, evidence.harms)
    )


def _check_log(evidence: Evidence, stories: Mapping[str, Story], verdict: Verdict) -> None:
    """Check that what is proven is about all that was written, and nothing else."""
    written = {alert.id for alert in evidence.written}
    verdict.add(WRONG, "alerts are not in the log", times=len(written - stories.keys()))
    verdict.add(WRONG, "alerts are in the log that nobody wrote", times=len(stories.keys() - written))
    verdict.add(WRONG, "alerts are in the log twice", times=sum(map(len, evidence.log)) - len(stories))
    strange = {entry.alert for entry in evidence.entries} - stories.keys()
    verdict.add(WRONG, f"alerts were handled that are not in the log: {[*strange][:1]}", times=len(strange))


def _check_fate(story: Story, letters: int, verdict: Verdict) -> None:
    """Check that an alert had its effect, or is a dead letter."""
    if story.done and letters:
        verdict.add(WRONG, f"has succeeded and is a dead letter: {story}")
    if not story.done and not letters:
        verdict.add(LOST, f"neither has it succeeded, nor is it a dead letter: {story}")


def _check_tries(story: Story, delivery: str, verdict: Verdict) -> None:
    """Check that an alert is called the same in each try, and that none is counted that did not come to an end."""
    ended = {0}
    for entry in story.entries:
        if entry.delivery != delivery:
            verdict.add(WRONG, f"is called {entry.delivery} instead of {delivery}: {story}")
        if entry.mark is Mark.BEGUN and entry.attempt - 1 not in ended:
            verdict.add(WRONG, f"try {entry.attempt} comes before any other has failed: {story}")
        if entry.mark in {Mark.FAILED, Mark.CUT}:
            ended.add(entry.attempt)


def check_order(stories: Iterable[Story], verdict: Verdict) -> None:
    """Check that no alert was begun before there was nothing more to be done for the earlier ones of its student."""
    ends: defaultdict[str, int] = defaultdict(int)
    for story in stories:
        student = story.alert.student_id
        if story.begin is not None and story.begin < ends[student]:
            verdict.add(INVERTED, f"was begun before an earlier one was done with: {story}")
        ends[student] = max(ends[student], story.end or 0)


def check_parked(log: Partitions, verdict: Verdict) -> None:
    """Check that no record waits to be tried again."""
    left = {line.key: line.value for lines in log for line in lines}
    parked = [value for value in left.values() if value]
    verdict.add(WRONG, f"still parked: {parked[:1]}", times=len(parked))
