"""The proof: all that was seen in a run, and what is wrong with it."""

from dataclasses import dataclass
from datetime import timedelta

from rollcall_consumer.settings import ConsumerSettings
from rollcall_dev.chaos.ledger import Ledger, Outcome
from rollcall_dev.chaos.record.entries import check_effects, check_entries, place_sent
from rollcall_dev.chaos.record.history import Historian, Place
from rollcall_dev.chaos.record.log import Log
from rollcall_dev.chaos.record.offline import Rules
from rollcall_dev.chaos.record.outputs import check_inbox, check_letters, check_minutes
from rollcall_dev.chaos.record.stage import TOPICS
from rollcall_dev.chaos.record.states import Alerts, States
from rollcall_dev.chaos.record.straight import Sent
from rollcall_dev.chaos.record.verdict import WRONG, Verdict
from rollcall_domain.topics import ACTIVITY, ALERTS, DEAD_LETTERS, INBOX, STATE, STUDENT

MILLISECOND = timedelta(milliseconds=1)


@dataclass
class Evidence:
    """All that was seen in a run.

    Attributes:
        settings: The workers' settings.
        ledger: What the API's clients have sent, and what they were told.
        sent: What was written straight to the topic.
        log: All topics, as they were read in the end.
        seen: The topics that the pipeline writes, as somebody saw them who read all along.
        now: When the topics were read, in milliseconds since 1970, UTC.
        again: Where the topic `Student` has what somebody has copied there once more.
    """

    settings: ConsumerSettings
    ledger: Ledger
    sent: list[Sent]
    log: Log
    seen: Log
    now: int
    again: frozenset[Place] = frozenset()


@dataclass
class Proof:
    """What the evidence shows.

    Attributes:
        verdict: What is wrong.
        outcomes: Attempts, by what their clients were told.
        unknown_found: Attempts of unknown outcome that were written.
        records: Records in each topic.
        effects: Updates that have had an effect.
        poison: Records that can't be handled.
    """

    verdict: Verdict
    outcomes: dict[Outcome, int]
    unknown_found: int
    records: dict[str, int]
    effects: int
    poison: int


def prove(evidence: Evidence) -> Proof:
    """Find out what is wrong, if anything is."""
    settings, log, verdict = evidence.settings, evidence.log, Verdict()
    topics = {topic.name: log[settings.topic_name(topic)] for topic in TOPICS}
    name = settings.topic_name(STUDENT)
    sent = place_sent(evidence.sent, topics[STUDENT.name], verdict)
    _, unknown_found = check_entries(evidence.ledger, topics[STUDENT.name], sent.keys() | evidence.again, verdict)
    history = Historian(name, sent, settings.repeat_window).tell(topics[STUDENT.name], topics[INBOX.name])
    for fault in history.faults:
        verdict.add(WRONG, fault)
    check_effects(evidence.ledger, evidence.sent, history, verdict)
    rules = _rules(settings)
    ends = States(history, rules, verdict).check(topics[STATE.name])
    Alerts(rules, verdict).check(topics[ALERTS.name], ends, evidence.now)
    check_minutes(topics[ACTIVITY.name], history, verdict)
    check_inbox(topics[INBOX.name], history, verdict)
    check_letters(topics[DEAD_LETTERS.name], history, settings.group_id, name, verdict)
    _compare(evidence.seen, log, verdict)
    return Proof(
        verdict,
        {outcome: _count(evidence, outcome) for outcome in Outcome},
        unknown_found,
        {topic: sum(map(len, lines)) for topic, lines in topics.items()},
        history.effects.total(),
        sum(map(len, history.letters.values())),
    )


def _rules(settings: ConsumerSettings) -> Rules:
    return Rules(
        settings.many_logins,
        timedelta(minutes=settings.many_logins_minutes) // MILLISECOND,
        timedelta(hours=settings.too_long_hours) // MILLISECOND,
    )


def _count(evidence: Evidence, outcome: Outcome) -> int:
    return evidence.ledger.count(outcome) + sum(record.outcome is outcome for record in evidence.sent)


def _compare(seen: Log, log: Log, verdict: Verdict) -> None:
    """Check that who read all along saw the same as who reads now."""
    for topic, partitions in seen.items():
        for index, lines in enumerate(partitions):
            if lines != log[topic][index]:
                differing = set(lines) ^ set(log[topic][index])
                verdict.add(WRONG, f"who read {topic}-{index} all along saw another log: {sorted(differing)[:2]}")
