"""What a lane for each key costs and is worth, beside lanes that promise nothing and beside one record at a time."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace

from rollcall_dev.bench import children
from rollcall_dev.bench.errors import BenchError
from rollcall_dev.bench.load import chores
from rollcall_dev.bench.load.chores import Log
from rollcall_dev.bench.options import count
from rollcall_dev.bench.peers.handling import Job, Outcome
from rollcall_dev.bench.report import Report, conditions, show
from rollcall_dev.bench.stage import LASTING, Stage, raised, say
from rollcall_dev.tables import table

SUMMARY = "what the runtime of effects costs, and what it is worth that each key has a lane"

MODULES = {"ours": "effects", "ideal": "lanes", "serial": "serial"}
"""Who is compared, and the modules that they are."""

LANES = {100: 256, 10_000: 1_000}
"""How many keys are at work at a time, by how many there are."""

USUAL = 100
"""Keys of the figures without a number."""

_WARM = 2_000
"""Records that each process handles before it is measured."""


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        rounds: How often.
        records: How many are handled.
        serial: How many of them are where they are handled one after the other.
        many: How many are handled while a key fails.
        failing: Seconds for which it fails.
        scale: What numbers of keys are divided by.
    """

    rounds: int
    records: int
    serial: int
    many: int
    failing: float
    scale: int = 1


_FULL = Plan(rounds=7, records=10_000, serial=10_000, many=100_000, failing=5.0)
_QUICK = Plan(rounds=3, records=10_000, serial=1_000, many=100_000, failing=5.0)
_BRIEF = Plan(rounds=1, records=1_000, serial=100, many=2_000, failing=0.3, scale=10)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this bench."""
    parser.add_argument("--rounds", type=count, metavar="N", help="default: 7, with --quick 3")
    parser.add_argument("--brief", action="store_true", help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> Report:
    """Measure in rounds, and print medians.

    Raises:
        BenchError: A record was not handled as it must be.
    """
    plan = _BRIEF if options.brief else _QUICK if options.quick else _FULL
    if options.rounds:
        plan = replace(plan, rounds=options.rounds)
    with raised(LASTING) as stage:
        say("writing records")
        bench = _Effects(stage, plan)
        say("warming up")
        bench.warm()
        for turn in range(1, plan.rounds + 1):
            say(f"round {turn} of {plan.rounds}")
            bench.round()
        bench.report.set("others_share", stage.others.share())
    report = bench.report
    compare(report)
    print(f"Medians of {plan.rounds} rounds. {conditions(report['others_share'])}\n")
    print(summary(report, plan))
    return report


class _Effects:
    def __init__(self, stage: Stage, plan: Plan) -> None:
        self.report = Report()
        self._stage = stage
        self._plan = plan
        self._turn = 0
        self._warm = self._write("warm", USUAL, _WARM)
        self._logs = {keys: self._write(f"{keys}", keys, plan.records) for keys in LANES}
        self._many = self._write("many", USUAL, plan.many)

    def _write(self, name: str, keys: int, records: int) -> Log:
        log = Log(self._stage.create_topic(name, 1), f"{name}.", max(1, keys // self._plan.scale), records)
        job = chores.Job(self._stage.bootstrap_servers, log)
        children.call("rollcall_dev.bench.load.chores", job, type(None), self._stage.cores.server)
        return log

    def warm(self) -> None:
        """Java compiles what it runs often."""
        for name in ("ours", "ideal"):
            self._handle(name, self._many, USUAL)

    def round(self) -> None:
        """Measure everything once."""
        for keys, log in self._logs.items():
            outcomes = {name: self._handle(name, log, keys) for name in ("ours", "ideal")}
            for name, outcome in outcomes.items():
                self._add(name, _figures(outcome, log.records), keys)
            added = outcomes["ours"].cpu_seconds - outcomes["ideal"].cpu_seconds
            self.report.add(f"cpu_us_per_record_{keys}", added / log.records * 1e6)
        self._serial()
        for name, failing in {"without": 0.0, "with": self._plan.failing}.items():
            outcome = self._handle("ours", self._many, USUAL, failing)
            healthy = self._many.records - self._many.records // self._many.keys
            self.report.add(f"healthy_rate_{name}", healthy / outcome.healthy)
            say(f"  {name} a failing key: {show(healthy / outcome.healthy)} other records/s")

    def _serial(self) -> None:
        log = self._logs[USUAL]
        part = Log(log.topic, log.prefix, log.keys, self._plan.serial)
        figures = _figures(self._handle("serial", part, USUAL), part.records)
        scale = log.records / part.records
        self._add("serial", {**figures, "s": scale * figures["s"], "finished_s": scale * figures["finished_s"]}, USUAL)

    def _handle(self, name: str, log: Log, keys: int, failing: float = 0.0) -> Outcome:
        self._turn += 1
        servers, group = self._stage.bootstrap_servers, f"{name}-{self._turn}"
        job = Job(servers, self._warm, log, group, LANES[keys], failing)
        module = f"rollcall_dev.bench.peers.{MODULES[name]}"
        outcome = children.call(module, job, Outcome, self._stage.cores.server)
        if outcome.fault is not None:
            raise BenchError(f"{name}: {outcome.fault}")
        return outcome

    def _add(self, name: str, figures: Mapping[str, float], keys: int) -> None:
        for figure, value in figures.items():
            self.report.add(f"{name}_{figure}_{keys}", value)
        told = ", ".join(f"{figure} {show(value)}" for figure, value in figures.items())
        say(f"  {name}, {keys:,} keys: {told}")


def _figures(outcome: Outcome, records: int) -> dict[str, float]:
    return {
        "s": outcome.committed,
        "finished_s": outcome.finished,
        "cpu_us": outcome.cpu_seconds / records * 1e6,
    }


def compare(report: Report) -> None:
    """Add the ratios to the figures, and the one that has a name of its own."""
    for keys in LANES:
        report.compare(f"lanes_vs_ideal_{keys}", f"ours_s_{keys}", f"ideal_s_{keys}")
        report.compare(f"lanes_vs_ideal_finished_{keys}", f"ours_finished_s_{keys}", f"ideal_s_{keys}")
    report.compare(f"serial_vs_lanes_{USUAL}", f"serial_s_{USUAL}", f"ours_s_{USUAL}")
    report.compare("healthy_share_with_failing", "healthy_rate_with", "healthy_rate_without")
    report.set("cpu_us_per_record", report[f"cpu_us_per_record_{USUAL}"])


def summary(report: Report, plan: Plan) -> str:
    """Lay out what people want to see."""
    parts = [_runs(report, plan), _failing(report, plan)]
    if plan.serial < plan.records:
        parts.insert(1, f"One after the other: measured with {plan.serial:,} records, and scaled up.")
    return "\n\n".join(parts)


def _runs(report: Report, plan: Plan) -> str:
    rows = []
    for keys, lanes in LANES.items():
        what = f"{keys:,} keys, {lanes:,} lanes"
        rows.append(_row(report, f"{what}: ours", "ours", keys))
        rows.append(_row(report, f"{what}: nothing promised", "ideal", keys))
        ratios = [show(report[f"lanes_vs_ideal{figure}_{keys}"]) for figure in ("_finished", "")]
        rows.append(["    ours / nothing promised", *ratios, ""])
        rows.append(["    ours - nothing promised", "", "", show(report[f"cpu_us_per_record_{keys}"])])
    rows.append(_row(report, f"{USUAL} keys, one record after the other", "serial", USUAL))
    rows.append(["    one after the other / ours", "", show(report[f"serial_vs_lanes_{USUAL}"]), ""])
    return table([f"{plan.records:,} records, 0 to 5 ms each", "finished s", "committed s", "CPU µs"], rows)


def _row(report: Report, what: str, name: str, keys: int) -> list[str]:
    return [what, *(show(report[f"{name}_{figure}_{keys}"]) for figure in ("finished_s", "s", "cpu_us"))]


def _failing(report: Report, plan: Plan) -> str:
    rows = [
        [f"{what} a key that fails for {plan.failing:g} s", show(report[f"healthy_rate_{what}"])]
        for what in ("without", "with")
    ]
    rows.append(["with / without", show(report["healthy_share_with_failing"])])
    return table([f"{plan.many:,} records, {USUAL} keys", "others/s"], rows)
