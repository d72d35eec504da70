"""What it takes the worker to fold updates into records, how soon that can be seen, and how long a failure lasts."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from rollcall_dev.bench import folding, takeover, visible
from rollcall_dev.bench.folding import Folded, Log
from rollcall_dev.bench.group import Speed
from rollcall_dev.bench.load.result import percentile
from rollcall_dev.bench.options import count
from rollcall_dev.bench.report import Report, conditions, show
from rollcall_dev.bench.stage import LASTING, Stage, raised, say
from rollcall_dev.tables import table

SUMMARY = "what the worker takes to fold updates into records, and how soon that can be seen"

STUDENTS = {"1k": 1_000, "5k": 5_000, "100k": 100_000, "1m": 1_000_000}
"""How many students there are, by name."""

USUAL, MOST = "5k", "1m"
"""Those of the figures without a name, and those whose state is read back."""

PROCESSES = (2, 3)
"""How many replicas share the work, beside one alone."""

RATES = {"10": 10.0, "500": 500.0, "80pct": 0.8}
"""Updates a second, by name; the last one as a share of what can be sustained."""

_RELATIVE = "80pct"


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        rounds: How often.
        events: Updates in a log, at the least.
        passes: How often each student has one in it, at the least.
        seconds: For how long effects are looked at.
        repeats: How often replicas end in each way.
        scale: What numbers of students are divided by.
    """

    rounds: int
    events: int
    passes: int
    seconds: float
    repeats: int
    scale: int = 1


_FULL = Plan(rounds=3, events=2_000_000, passes=3, seconds=10, repeats=5)
_QUICK = Plan(rounds=1, events=600_000, passes=2, seconds=5, repeats=1)
_BRIEF = Plan(rounds=1, events=20_000, passes=2, seconds=1, repeats=1, scale=100)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this bench."""
    parser.add_argument("--rounds", type=count, metavar="N", help="default: 3, with --quick 1")
    parser.add_argument("--brief", action="store_true", help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> Report:
    """Measure in rounds, and print medians.

    Raises:
        BenchError: Something did not work as it must.
    """
    plan = _BRIEF if options.brief else _QUICK if options.quick else _FULL
    if options.rounds:
        plan = replace(plan, rounds=options.rounds)
    with raised(LASTING) as stage:
        bench = _Record(stage, plan)
        bench.write()
        say("warming up")
        bench.warm()
        for turn in range(plan.rounds):
            say(f"round {turn + 1} of {plan.rounds}")
            bench.fold()
            bench.effects(turn)
        say("ending replicas")
        bench.takeover()
        bench.report.set("others_share", stage.others.share())
    report = bench.report
    compare(report)
    print(f"Medians of {plan.rounds} rounds. {conditions(report['others_share'])}\n")
    print(summary(report))
    return report


class _Record:
    def __init__(self, stage: Stage, plan: Plan) -> None:
        self.report = Report()
        self._stage = stage
        self._plan = plan
        self._logs: dict[str, Log] = {}

    def write(self) -> None:
        for name, number in STUDENTS.items():
            students = number // self._plan.scale
            say(f"writing updates of {students:,} students")
            events = max(self._plan.events, self._plan.passes * students)
            self._logs[name] = folding.write(self._stage, name, students, events)

    def warm(self) -> None:
        """Java compiles what it runs often."""
        folding.raw(self._stage, self._logs[USUAL])
        folding.fold(self._stage, self._logs[USUAL])

    def fold(self) -> None:
        self._add("getmany", _speed(folding.raw(self._stage, self._logs[USUAL])))
        for name, log in self._logs.items():
            folded = folding.fold(self._stage, log, restore=name == MOST)
            self._add("fold", _speed(folded.speed), f"_{name}")
            if folded.restored is not None:
                self._add("", _restored(folded, log.students), f"_{name}")
        for processes in PROCESSES:
            folded = folding.fold(self._stage, self._logs[USUAL], processes)
            self._add("fold", _speed(folded.speed), f"_{processes}_processes")

    def effects(self, turn: int) -> None:
        seconds = self._plan.seconds
        with visible.serving(self._stage, turn) as latency:
            sustained = latency.sustained(seconds)
            self._add("effect", {"sustained_rate": sustained})
            for name, rate in RATES.items():
                given = rate * sustained if name == _RELATIVE else rate
                seen = latency.measure(given, seconds, f"p{name}-", turn)
                percentiles = {f"p{rank}_ms": percentile(seen, rank) * 1e3 for rank in (50, 99)}
                self._add("effect", {"rate": given, **percentiles, "max_ms": seen[-1] * 1e3}, f"_{name}")

    def takeover(self) -> None:
        for silence in takeover.measure(self._stage, self._plan.repeats):
            self._add(f"takeover_{silence.name}", {"s": silence.lost, "others_s": silence.kept})

    def _add(self, what: str, figures: Mapping[str, float], scale: str = "") -> None:
        prefix = f"{what}_" if what else ""
        for figure, value in figures.items():
            self.report.add(f"{prefix}{figure}{scale}", value)
        say(
            f"  {what}{scale}".replace(" _", " ")
            + ": "
            + ", ".join(f"{figure} {show(value)}" for figure, value in figures.items())
        )


def _speed(speed: Speed) -> dict[str, float]:
    return {"rate": speed.rate, "cpu_us": speed.cpu_us}


def _restored(folded: Folded, students: int) -> dict[str, float]:
    restored = folded.restored
    assert restored is not None  # noqa: S101 - the caller has looked
    return {
        "rss_mb": folded.memory,
        "restore_rate": students / restored.state.seconds,
        "restore_s": restored.state.seconds,
        "restore_records": restored.state.records,
        "restore_ready_s": restored.ready,
        "restore_rss_mb": restored.memory,
    }


def compare(report: Report) -> None:
    """Add the ratios to the figures, and those that have a name of their own."""
    report.compare("fold_vs_raw", f"fold_rate_{USUAL}", "getmany_rate")
    report.compare("fold_cpu_vs_raw", f"fold_cpu_us_{USUAL}", "getmany_cpu_us")
    report.compare("fold_cpu_growth_1k_1m", "fold_cpu_us_1m", "fold_cpu_us_1k")
    for processes in PROCESSES:
        report.compare(f"fold_speedup_{processes}_processes", f"fold_rate_{processes}_processes", f"fold_rate_{USUAL}")
    for name, other in {
        "fold_rate": f"fold_rate_{USUAL}",
        "fold_cpu_us": f"fold_cpu_us_{USUAL}",
        "effect_p50_ms": "effect_p50_ms_500",
        "effect_p99_ms": "effect_p99_ms_500",
        "restore_rate": f"restore_rate_{MOST}",
    }.items():
        report.set(name, report[other])


def summary(report: Report) -> str:
    """Lay out what people want to see."""
    parts = (_folds, _restores, _effects, _takeovers)
    return "\n\n".join(part(_shown(report), report) for part in parts)


Shown = Callable[[str], str]


def _shown(report: Report) -> Shown:
    return lambda name: show(report[name])


def _folds(shown: Shown, _: Report) -> str:
    rows = [["getmany, and nothing else", shown("getmany_rate"), shown("getmany_cpu_us")]]
    for name, students in STUDENTS.items():
        rows.append([f"{students:,} students", shown(f"fold_rate_{name}"), shown(f"fold_cpu_us_{name}")])
    for processes in PROCESSES:
        rate, cpu = (shown(f"fold_{figure}_{processes}_processes") for figure in ("rate", "cpu_us"))
        rows.append([f"{STUDENTS[USUAL]:,} students, {processes} replicas on all cores", rate, cpu])
    rows.append([f"{STUDENTS[USUAL]:,} students / getmany", shown("fold_vs_raw"), shown("fold_cpu_vs_raw")])
    rows.append(["1,000,000 / 1,000 students", "", shown("fold_cpu_growth_1k_1m")])
    return table(["Fold, one replica on one core", "updates/s", "CPU µs"], rows)


def _restores(shown: Shown, report: Report) -> str:
    return (
        f"{STUDENTS[MOST]:,} students: {shown('rss_mb_1m')} MB at the most; read back in {shown('restore_s_1m')} s, "
        f"{shown('restore_rate')} students/s, from {report['restore_records_1m']:,.0f} records; "
        f"ready {shown('restore_ready_s_1m')} s after the start"
    )


def _effects(shown: Shown, _: Report) -> str:
    rows = [
        [
            f"{shown(f'effect_rate_{name}')}/s",
            *(shown(f"effect_{figure}_ms_{name}") for figure in ("p50", "p99", "max")),
        ]
        for name in RATES
    ]
    rows.append([f"of {shown('effect_sustained_rate')}/s that are sustained", "", "", ""])
    return table(["From a PUT to its committed effect", "p50 ms", "p99 ms", "max ms"], rows)


def _takeovers(shown: Shown, _: Report) -> str:
    rows = [
        [what, shown(f"takeover_{name}_s"), shown(f"takeover_{name}_others_s")]
        for name, what in {"term": "SIGTERM", "kill": "SIGKILL"}.items()
    ]
    return table(["A replica of two ends", "taken over after s", "others still for s"], rows)
