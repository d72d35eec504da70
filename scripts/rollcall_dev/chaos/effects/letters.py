"""The dead letters, against the alerts that had to be among them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from rollcall_consumer.runtime.letters import REDRIVEN
from rollcall_dev.chaos.effects.alerts import Kind
from rollcall_dev.chaos.effects.effect import TERMS
from rollcall_dev.chaos.effects.stories import Partitions, Story
from rollcall_dev.chaos.record.log import Line
from rollcall_dev.chaos.record.outputs import LETTER
from rollcall_dev.chaos.record.verdict import DOUBLED, LOST, WRONG, Verdict
from rollcall_domain.errors import Reason

WHY = {
    Kind.POISON: (Reason.EFFECT_FAILED, f"after {TERMS.tries} tries: ValueError: it says so, for ever"),
    Kind.REFUSED: (Reason.REFUSED, "PermanentError: it says so"),
}
"""What the dead letter of an alert says, for programs and for people."""


class Origin(NamedTuple):
    """Where letters come from.

    Attributes:
        group: The group by its full name.
        topic: The full name of the topic of alerts.
    """

    group: str
    topic: str


@dataclass
class Letters:
    """The dead letters.

    Attributes:
        counts: How many there are of each alert, by its id.
        reasons: How many there are of each reason.
        notes: How many notes there are of letters that were sent back.
    """

    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    notes: int = 0


def check_letters(log: Partitions, stories: Mapping[str, Story], origin: Origin, verdict: Verdict) -> Letters:
    """Check the topic `Student.DeadLetters`: what has to be there is there, once, and nothing else."""
    places = {(story.partition, story.line.offset): story for story in stories.values()}
    letters = Letters()
    for index, lines in enumerate(log):
        for line in lines:
            headers = dict(line.headers)
            if REDRIVEN in headers:
                letters.notes += 1
                continue
            story = places.get((index, int(headers[f"{LETTER}offset"])))
            if story is None or not story.act.kind.is_dead:
                verdict.add(WRONG, f"a dead letter that had to be none: {line}")
                continue
            letters.counts[story.alert.id] += 1
            letters.reasons[headers[f"{LETTER}reason"].decode()] += 1
            _check_letter(line, story, origin, verdict)
    for story in stories.values():
        count = letters.counts[story.alert.id]
        verdict.add(DOUBLED, f"dead letters, {count} of the same alert: {story}", times=count - 1)
        verdict.add(LOST, f"no dead letter of {story}", times=story.act.kind.is_dead - count)
    return letters


def _check_letter(letter: Line, story: Story, origin: Origin, verdict: Verdict) -> None:
    line = story.line
    reason, detail = WHY[story.act.kind]
    told = {
        "reason": reason,
        "detail": detail,
        "group": origin.group,
        "topic": origin.topic,
        "partition": story.partition,
        "offset": line.offset,
        "timestamp": line.timestamp,
    }
    wanted = {f"{LETTER}{name}": str(value).encode() for name, value in told.items()}
    wanted["id"] = f"{origin.topic}-{story.partition}-{line.offset}".encode()
    same = (letter.key, letter.value, letter.timestamp) == (line.key, line.value, line.timestamp)
    if not same or dict(letter.headers) != wanted or len(letter.headers) != len(wanted):
        verdict.add(WRONG, f"the dead letter of {line} is {letter}")
