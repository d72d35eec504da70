"""How the producer stands more updates than it can take: whom it answers what, how soon, and how it recovers."""

import argparse
from collections import Counter
from collections.abc import Sequence
from math import ceil
from statistics import median

from rollcall_dev.bench import children, measure
from rollcall_dev.bench.load.open import Job
from rollcall_dev.bench.load.phases import WINDOW, Phase, Seen
from rollcall_dev.bench.report import Report, conditions, show
from rollcall_dev.bench.stage import Server, Stage, raised, say
from rollcall_producer.settings import ProducerSettings

SUMMARY = "how the producer stands five times the updates that it can take"

FACTOR = 5
"""How many times as many updates are offered as it can take."""

CONNECTIONS = 4_000
"""How many there are at the most; a request that would need another one is not offered."""

NORMAL = 0.5
"""The share of what it can take that is a normal load, before the overload and after it."""

SLACK = 2.0
"""How many times as long as before it may take until it counts as back to normal."""

EXPECTED = (200, 429, 503)
"""Answers that a caller can work with; all others are counted as other."""

_ONE = 25_000
"""Requests a second that one process can begin."""

_LOOKS = 3
"""How often the rate that it can take is measured."""

_PATIENCE = 30.0
"""Seconds to wait for the last answers."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this bench."""
    measure.add_options(parser)
    parser.add_argument("--seconds", type=float, help="of overload (default: 60, with --quick 15)")


def run(options: argparse.Namespace) -> Report:
    """Measure once, and print what was seen.

    Raises:
        BenchError: Something did not work as it must.
    """
    seconds = options.seconds or (15 if options.quick else 60)
    calm = seconds / 4
    with raised() as stage, stage.serving("ours", "rollcall_producer") as server:
        puts = measure.Puts(stage, options.load)
        say("warming up")
        puts.measure(server, 64, calm)
        say("looking for the rate that it can take")
        rate = median(puts.measure(server, 64, calm).rate for _ in range(_LOOKS))
        before = server.peak_memory()
        say(f"offering {FACTOR} times {show(rate)} updates/s for {seconds:g} s")
        phases = [Phase(NORMAL * rate, calm), Phase(FACTOR * rate, seconds), Phase(NORMAL * rate, calm)]
        normal, overload, after = _offer(stage, server, phases)
        report = summarise(rate, seconds, normal, overload, after)
        report.set("overload_normal_rss_mb", before)
        report.set("overload_peak_rss_mb", server.peak_memory())
        report.set("others_share", stage.others.share())
    print(f"{conditions(report['others_share'])}\n")
    print(_show(report, overload))
    return report


def _offer(stage: Stage, server: Server, phases: Sequence[Phase]) -> list[Seen]:
    """Offer a load, by as many processes as it takes and there are cores for."""
    count = min(len(stage.cores.load) or 1, ceil(max(phase.rate for phase in phases) / _ONE))
    shares = [Phase(phase.rate / count, phase.seconds) for phase in phases]
    job = Job(server.host, server.port, CONNECTIONS // count, shares, _PATIENCE)

    seen = children.call_all("rollcall_dev.bench.load.open", [job] * count, list[Seen], stage.cores.load)
    return [merge(parts) for parts in zip(*seen, strict=True)]


def merge(parts: Sequence[Seen]) -> Seen:
    """Take together what several processes have seen of one phase."""
    answers: Counter[int] = Counter()
    for part in parts:
        answers.update(part.answers)
    return Seen(
        offered=sum(part.offered for part in parts),
        not_offered=sum(part.not_offered for part in parts),
        answers=dict(answers),
        in_time=sum(part.in_time for part in parts),
        lost=sum(part.lost for part in parts),
        slowest=max(part.slowest for part in parts),
        late=max(part.late for part in parts),
        windows=[max(window) for window in zip(*(part.windows for part in parts), strict=True)],
    )


def recovery(before: Sequence[float], after: Sequence[float]) -> float:
    """Find how long it took until answers came as soon as before.

    Args:
        before: Percentiles of the windows under a normal load before.
        after: Those of the windows under the same load afterwards.

    Returns:
        Seconds to the first window that is normal; the length of all if there is none.
    """
    limit = SLACK * median(before)
    windows = (index for index, value in enumerate(after) if value <= limit)
    return next(windows, len(after)) * WINDOW


def summarise(rate: float, seconds: float, normal: Seen, overload: Seen, after: Seen) -> Report:
    """Make figures of what was seen in the three phases."""
    accepted = overload.in_time / seconds
    others = sum(count for status, count in overload.answers.items() if status not in EXPECTED)
    report = Report()
    for name, value in {
        "sustainable_rate": rate,
        "offered_rate": overload.offered / seconds,
        "not_offered_rate": overload.not_offered / seconds,
        "accepted_rate": accepted,
        "accepted_share": accepted / rate,
        "other_answers": others + overload.lost,
        "slowest_s": overload.slowest,
        "load_late_s": overload.late,
        "normal_p99_ms": median(normal.windows) * 1e3,
        "recovery_s": recovery(normal.windows, after.windows),
    }.items():
        report.set(f"overload_{name}", value)
    return report


def _show(report: Report, overload: Seen) -> str:
    def figure(name: str) -> str:
        return show(report[f"overload_{name}"])

    deadline = ProducerSettings().deadline_seconds
    answers = ", ".join(f"{count:,} × {status}" for status, count in sorted(overload.answers.items()))  # noqa: RUF001
    return "\n".join(
        [
            f"sustainable        {figure('sustainable_rate')} updates/s at 64 connections",
            f"offered            {figure('offered_rate')}/s on {CONNECTIONS:,} connections at the most",
            f"not offered        {figure('not_offered_rate')}/s, all connections being taken",
            f"accepted           {figure('accepted_rate')}/s, {figure('accepted_share')} of the sustainable rate",
            f"answers            {answers}; none: {overload.lost:,}",
            f"slowest answer     {figure('slowest_s')} s, at a deadline of {deadline:g} s",
            f"memory             {figure('peak_rss_mb')} MB at the most, {figure('normal_rss_mb')} MB before",
            f"back to normal     {figure('recovery_s')} s after the end, p99 being {figure('normal_p99_ms')} ms",
            f"load was behind by {figure('load_late_s')} s at the most",
        ]
    )
