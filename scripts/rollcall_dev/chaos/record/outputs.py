"""What else comes of updates, against what had to: minutes, the inbox, dead letters."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from rollcall_dev.chaos.record.history import History
from rollcall_dev.chaos.record.log import Line
from rollcall_dev.chaos.record.verdict import DOUBLED, INVERTED, LOST, WRONG, Verdict
from rollcall_domain.errors import Reason
from rollcall_domain.partition import partition_for

MINUTE = 60_000
"""Milliseconds."""

LETTER = "dead-letter."
"""What the names of a dead letter's own headers begin with."""

Partitions = Sequence[Sequence[Line]]
"""A topic's records, by partition."""


def check_minutes(log: Partitions, history: History, verdict: Verdict) -> None:
    """Check the topic `Student.Activity`: each update is counted in its minute, once."""
    wanted: Counter[tuple[int, int, int]] = Counter()
    for student, both in history.events.items():
        index = partition_for(student.encode(), len(log))
        for events in both:
            wanted.update((index, event.at // MINUTE * MINUTE, event.state) for event in events)
    found: Counter[tuple[int, int, int]] = Counter()
    for index, lines in enumerate(log):
        for line in lines:
            minute = json.loads(line.value or b"{}")
            start, counts = minute["Start"], (minute["Logins"], minute["Logouts"])
            if (line.key, line.timestamp, minute["Partition"]) != (b"%d-%d" % (index, start), start, index):
                verdict.add(WRONG, f"partition {index} of the activity has {line}")
            before = tuple(found[index, start, state] for state in (0, 1))
            if before == counts:
                verdict.add(DOUBLED, f"the minute {line.key!r} is there twice with {counts}")
            elif any(old > new for old, new in zip(before, counts, strict=True)):
                verdict.add(INVERTED, f"the minute {line.key!r} goes back from {before} to {counts}")
            for state, count in enumerate(counts):
                found[index, start, state] = count
    for place in wanted.keys() | found.keys():
        missing = wanted[place] - found[place]
        verdict.add(LOST, f"{missing} updates are not counted in {place}", times=missing)
        verdict.add(DOUBLED, f"{-missing} updates too many are counted in {place}", times=-missing)


def check_inbox(log: Partitions, history: History, verdict: Verdict) -> None:
    """Check the topic `Student.Inbox`: each update is there that lies elsewhere, once, in order."""
    found = Counter(
        (index, (line.key, line.timestamp, line.value, line.headers))
        for index, lines in enumerate(log)
        for line in lines
    )
    for forward in history.forwards.keys() | found.keys():
        missing = history.forwards[forward] - found[forward]
        verdict.add(LOST, f"not sent on: {forward}", times=missing)
        verdict.add(DOUBLED if forward in history.forwards else WRONG, f"sent on: {forward}", times=-missing)
    for lines in log:
        last: defaultdict[int, int] = defaultdict(lambda: -1)
        for line in lines:
            origins = history.origins.get(line.identity or b"", [])
            if len(origins) != 1:  # of copies, the first one is sent on
                continue
            ((index, offset),) = origins
            if offset < last[index]:
                verdict.add(INVERTED, f"sent on out of order: {line}")
            last[index] = offset


def check_letters(log: Partitions, history: History, group: str, topic: str, verdict: Verdict) -> None:
    """Check the topic `Student.DeadLetters`: the records that can't be handled are there, once, and no others."""
    for index, lines in enumerate(log):
        wanted = {line.offset: (line, reason) for line, reason in history.letters[index]}
        found: Counter[int] = Counter()
        for letter in lines:
            headers = {name: value.decode() for name, value in letter.headers if name.startswith(LETTER)}
            offset = int(headers[f"{LETTER}offset"])
            if offset not in wanted:
                verdict.add(WRONG, f"a dead letter that was no poison: {letter}")
                continue
            if found and offset < max(found):
                verdict.add(INVERTED, f"a dead letter out of order: {letter}")
            found[offset] += 1
            verdict.add(DOUBLED, f"a dead letter, again: {letter}", times=int(found[offset] > 1))
            _check_letter(
                letter, headers, *wanted[offset], {"group": group, "topic": topic, "partition": index}, verdict
            )
        for offset in wanted.keys() - found.keys():
            verdict.add(LOST, f"no dead letter of {wanted[offset]} in partition {index}")


def _check_letter(  # noqa: PLR0913, PLR0917 - all that it is to be compared with
    letter: Line,
    headers: Mapping[str, str],
    line: Line,
    reason: Reason,
    place: Mapping[str, object],
    verdict: Verdict,
) -> None:
    told = {**place, "reason": reason, "offset": line.offset, "timestamp": line.timestamp}
    wanted = {f"{LETTER}{name}": str(value) for name, value in told.items()}
    before = tuple(header for header in letter.headers if not header[0].startswith(LETTER))
    whole = (letter.key, letter.value, letter.timestamp, before) == (line.key, line.value, line.timestamp, line.headers)
    detail = headers.get(f"{LETTER}detail")
    if not whole or not detail or dict(headers) != {**wanted, f"{LETTER}detail": detail}:
        verdict.add(WRONG, f"the dead letter of {line} is {letter}")
