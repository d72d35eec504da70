"""What clients were told, against the topic `Student` and the effects of what is there."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec

from rollcall_dev.chaos.audit import Audit
from rollcall_dev.chaos.ledger import Attempt, Ledger, Outcome
from rollcall_dev.chaos.record.history import History, Place
from rollcall_dev.chaos.record.log import Line
from rollcall_dev.chaos.record.straight import Sent
from rollcall_dev.chaos.record.verdict import DOUBLED, INVERTED, LOST, WRONG, Verdict
from rollcall_dev.chaos.topic import Entry

KINDS = {"missing": LOST, "doubled": DOUBLED, "disorder": INVERTED, "refused": WRONG, "foreign": WRONG}
"""What is wrong with a record that is not as its caller was told."""


def place_sent(sent: Sequence[Sent], log: Sequence[Sequence[Line]], verdict: Verdict) -> dict[Place, Sent]:
    """Find the records that were written straight to the topic: where their writer was told, if it was told."""
    there = {(index, line.offset): line for index, lines in enumerate(log) for line in lines}
    accepted = [record for record in sent if record.outcome is Outcome.ACCEPTED]
    placed: dict[Place, Sent] = {}
    for record in accepted:
        if record.offset is None:
            continue
        place = record.partition, record.offset
        line = there.get(place)
        if line is None:
            verdict.add(LOST, f"not where it was written: {record}")
        elif _content(line) != _content(record):
            verdict.add(WRONG, f"{record} was written, and there is {line}")
        placed[place] = record
    elsewhere = {place: line for place, line in there.items() if place not in placed}
    placed.update(_find([record for record in accepted if record.offset is None], elsewhere, verdict))
    unknown = {record.identity: record for record in reversed(sent) if record.outcome is not Outcome.ACCEPTED}
    for place, line in elsewhere.items():
        if place not in placed and line.identity in unknown:
            placed[place] = unknown[line.identity]
    return placed


def _find(sent: Sequence[Sent], there: Mapping[Place, Line], verdict: Verdict) -> dict[Place, Sent]:
    """Find what was accepted without a word of where: each record is one line of its own."""
    places = defaultdict[tuple[object, ...], list[Place]](list)
    for place in sorted(there, reverse=True):
        places[place[0], *_content(there[place])].append(place)
    found: dict[Place, Sent] = {}
    for record in sent:
        candidates = places[record.partition, *_content(record)]
        if candidates:
            found[candidates.pop()] = record
        else:
            verdict.add(LOST, f"nowhere in its partition: {record}")
    return found


def _content(record: Line | Sent) -> tuple[bytes | None, bytes | None, bytes | None]:
    return record.key, record.value, record.identity


def check_entries(
    ledger: Ledger, log: Sequence[Sequence[Line]], others: Collection[Place], verdict: Verdict
) -> tuple[int, int]:
    """Check that the API's clients were told the truth.

    Args:
        ledger: What they were told.
        log: The topic `Student`.
        others: Where it has what is none of the API's doing.
        verdict: Is told what is wrong.

    Returns:
        How many accepted updates were found in the log, and how many of unknown outcome.
    """
    entries = [*_entries(log, others)]
    findings = Audit(ledger, entries).run()
    for kind, times in findings.counts.items():
        examples = [example for example in findings.examples if example.startswith(kind)]
        verdict.add(KINDS[kind], *(examples[:1] or [kind]), times=times)
    return len(entries), findings.unknown_found


def _entries(log: Sequence[Sequence[Line]], others: Collection[Place]) -> Iterator[Entry]:
    for index, lines in enumerate(log):
        for line in lines:
            if (index, line.offset) in others or line.identity is None:
                continue
            value = msgspec.json.decode(line.value or b"{}")
            trace = dict(line.headers).get("traceparent", b"").decode()[3:35]
            yield Entry(
                index, line.offset, value["StudentId"], value["State"], line.identity.decode(), trace, line.timestamp
            )


def check_effects(ledger: Ledger, sent: Sequence[Sent], history: History, verdict: Verdict) -> None:
    """Check that what has an id has one effect if it was accepted, one at the most if that is unknown, and else none.

    What is accepted under no id of its own is told from the log in `check_entries`.
    """
    outcomes: defaultdict[str, set[Outcome]] = defaultdict(set)
    for attempt in ledger.attempts:
        identity = _identity(attempt)
        if identity is not None:
            outcomes[identity].add(attempt.outcome)
    for record in sent:
        if record.identity is not None and record.reason is None:
            outcomes[record.identity.decode()].add(record.outcome)
    for identity, told in outcomes.items():
        effects = history.effects[identity]
        if Outcome.ACCEPTED in told:
            verdict.add(LOST, f"{identity} was accepted and has no effect", times=int(not effects))
        elif Outcome.UNKNOWN not in told:
            verdict.add(WRONG, f"{identity} was rejected and has an effect", times=effects)
    for identity, effects in history.effects.items():
        verdict.add(DOUBLED, f"{identity} has {effects} effects", times=effects - 1)


def _identity(attempt: Attempt) -> str | None:
    if attempt.key is not None:
        return attempt.key
    return attempt.mark[1] if attempt.mark is not None and attempt.mark[0] == "id" else None
