"""The drill: a cluster is lost under load, a second one takes over, and what only the first one had comes back."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from random import Random
from time import monotonic, time

from rollcall_dev.chaos.api import NUMBERS
from rollcall_dev.chaos.callers import Door
from rollcall_dev.chaos.ledger import Attempt, Ledger, Outcome
from rollcall_dev.chaos.record.entries import check_entries
from rollcall_dev.chaos.record.log import Log, Reader, read
from rollcall_dev.chaos.record.proof import Evidence, prove
from rollcall_dev.chaos.record.run import Progress, late, settled
from rollcall_dev.chaos.record.verdict import DOUBLED, INVERTED, LOST, WRONG, Verdict
from rollcall_dev.drill.disaster.clients import Clients
from rollcall_dev.drill.disaster.copies import Copies, compare, lost, sent_to, without
from rollcall_dev.drill.disaster.findings import Findings
from rollcall_dev.drill.disaster.scene import Scene, staged
from rollcall_domain.topics import STATE

MIRROR_PAUSE = (1.0, 2.0)
"""Seconds before the mirror is killed, at the least and at the most."""

PATIENCE = 60.0
"""Seconds within which the mirror has copied all, and a reader has seen an effect."""

LOOK = 0.02
"""Seconds between looks at what was read."""

FIRST, SECOND = range(NUMBERS), range(NUMBERS, 2 * NUMBERS)
"""The numbers of the API's processes on each cluster."""


@dataclass(frozen=True)
class Plan:
    """How the drill goes.

    Attributes:
        seed: What all chance is drawn from.
        seconds: Seconds of load before the disaster.
        rate: Updates a second.
        brokers: Nodes of each cluster.
        mirror_kills: How often the mirror is killed and started again before.
        behind: Seconds by which it is behind when the disaster comes.
        exactly_once: Whether it copies in transactions.
    """

    seed: int
    seconds: float = 20.0
    rate: float = 100.0
    brokers: int = 1
    mirror_kills: int = 0
    behind: float = 0.0
    exactly_once: bool = False


async def rehearse(plan: Plan) -> Findings:
    """Lose a cluster, go on with the other one, and compare what has come of it with what had to."""
    tell = Progress()
    tell(f"seed {plan.seed}; two clusters of {plan.brokers} and a mirror are started, an API and two workers")
    async with staged(plan.brokers, exactly_once=plan.exactly_once) as scene:
        stage = scene.second.stage
        with Reader(stage.servers, stage.topics, stage.settings.partitions) as along:
            rehearsal = Rehearsal(plan, scene, along, tell)
            await rehearsal.live_through()
            await rehearsal.conclude()
    rehearsal.findings.seconds = round(tell.seconds, 1)
    return rehearsal.findings


class Rehearsal:
    """A drill as it goes on.

    Args:
        plan: How it is to go.
        scene: Where.
        along: Reads along on the second cluster.
        tell: Is told how it goes.

    Attributes:
        findings: What it has shown so far.
    """

    def __init__(self, plan: Plan, scene: Scene, along: Reader, tell: Callable[[str], None]) -> None:
        self.findings = Findings(plan.seed, mirror_kills=plan.mirror_kills)
        self._plan = plan
        self._scene = scene
        self._along = along
        self._tell = tell
        self._ledger = Ledger()
        self._killed = 0.0

    async def live_through(self) -> None:
        """Have the disaster under load, switch over, and go on."""
        door = Door("", 0)
        door.lead_to(self._scene.first.api.door)
        async with Clients(self._ledger, door, self._plan.rate, self._plan.seed):
            await self._run_up()
            self._tell("the first cluster, its worker and the mirror are killed")
            self._killed = monotonic()
            await self._scene.lose_first()
            dead = time() * 1000
            await self._scene.second.api.start()
            door.lead_to(self._scene.second.api.door)
            self._tell("an API on the second cluster is ready, and clients go there")
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._scene.first.api.end())
                tasks.create_task(self._see_effects(dead))
                tasks.create_task(asyncio.sleep(self._plan.seconds / 2))
        self._time_acceptance()

    async def conclude(self) -> None:
        """Find out what was lost, bring that back, and find out whether all is as it has to be; both times."""
        self._tell("the load is over; the first cluster comes back, and the logs are compared")
        await self._settle()
        scene, stage = self._scene, self._scene.first.stage
        await scene.bring_first_back()
        log = await read(stage.servers, [scene.first.student], stage.settings.partitions)
        first = log[scene.first.student]
        verdict = Verdict()
        check_entries(sent_to(self._ledger, FIRST), first, (), verdict)
        self._add(verdict)
        second = await self._read_second()
        copies = compare(first, second[scene.second.student])
        missing = lost(self._ledger, second[scene.second.student])
        self._tell_recovery_point(missing, copies)
        await self._judge(second, copies, missing)

        self._tell(f"{len(copies.tail)} records are not copied, of {len(missing)} accepted updates; the mirror goes on")
        await asyncio.to_thread(scene.mirror.start)
        await self._until(lambda: not compare(first, self._along.log[scene.second.student]).tail, "all is copied")
        await self._settle()
        second = await self._read_second()
        copies = compare(first, second[scene.second.student])
        rest = lost(self._ledger, second[scene.second.student])
        self.findings.broken += [f"{key} was not brought back" for key in rest]
        self.findings.brought_back = len(missing) - len(rest)
        await self._judge(second, copies, missing)
        await self._count_repeats(second, copies)

    async def _run_up(self) -> None:
        """Have load, kill the mirror as often as is planned, and let it come into the state that it is to be in."""
        chance = Random(f"{self._plan.seed}-mirror")  # noqa: S311 - it has to be the same again
        end = monotonic() + self._plan.seconds
        for _ in range(self._plan.mirror_kills):
            await asyncio.sleep(chance.uniform(*MIRROR_PAUSE))
            self._tell("the mirror is killed, and started again")
            await self._scene.restart_mirror()
        await asyncio.sleep(max(0.0, end - monotonic()))
        accepted = {attempt.key for attempt in self._ledger.attempts if attempt.outcome is Outcome.ACCEPTED}
        await self._until(lambda: accepted <= self._copied(), "all is copied")
        if self._scene.mirror.failed:
            self.findings.broken.append("the mirror has given up")
        if self._plan.behind:
            self._tell(f"the mirror stands still for {self._plan.behind:g} s")
            self._scene.mirror.pause()
            await asyncio.sleep(self._plan.behind)

    def _copied(self) -> set[str]:
        lines = self._along.log[self._scene.second.student]
        return {(line.identity or b"").decode() for partition in lines for line in partition}

    async def _see_effects(self, since: float) -> None:
        """Wait until who reads along has seen effects of what came after a time: the first one, and one everywhere."""
        parts = self._along.log[self._scene.second.stage.settings.topic_name(STATE)]

        def seen() -> list[bool]:
            return [bool(lines) and lines[-1].timestamp > since for lines in parts]

        await self._until(lambda: any(seen()), "an effect is seen")
        self.findings.recovery_effect_seconds = round(monotonic() - self._killed, 2)
        await self._until(lambda: all(seen()), "an effect is seen in each partition")
        self.findings.recovery_everywhere_seconds = round(monotonic() - self._killed, 2)

    def _time_acceptance(self) -> None:
        findings, accepted = self.findings, self._accepted
        findings.accepted_first, findings.accepted_second = len(accepted(FIRST)), len(accepted(SECOND))
        findings.unknown = self._ledger.count(Outcome.UNKNOWN)
        findings.not_written = self._ledger.count(Outcome.NOT_WRITTEN)
        if accepted(SECOND):
            earliest = min(attempt.end for attempt in accepted(SECOND))
            findings.recovery_accepted_seconds = round(earliest - self._killed, 2)
        else:
            findings.broken.append("nothing was accepted on the second cluster")

    def _accepted(self, processes: range) -> list[Attempt]:
        attempts = sent_to(self._ledger, processes).attempts
        return [attempt for attempt in attempts if attempt.outcome is Outcome.ACCEPTED]

    def _tell_recovery_point(self, missing: dict[str, Attempt], copies: Copies) -> None:
        """What was lost has to be what was not copied, and nothing else."""
        self.findings.copied = copies.made
        self.findings.recovery_point_updates = len(missing)
        ages = (self._killed - attempt.end for attempt in missing.values())
        self.findings.recovery_point_seconds = round(max((0.0, *ages)), 3)
        others = missing.keys() - copies.tail_ids
        self.findings.lost += len(others)
        self.findings.broken += [
            f"lost, though it was copied or never in the first cluster: {missing[key]}" for key in others
        ]

    async def _settle(self) -> None:
        second = self._scene.second
        lag_seconds = await settled(second.stage, second.fleet)
        self.findings.broken += late(lag_seconds)

    async def _read_second(self) -> Log:
        stage = self._scene.second.stage
        log = await read(stage.servers, stage.topics, stage.settings.partitions)
        if not await self._along.follow(log):
            self.findings.broken.append("who read all along did not come to the end")
        return log

    async def _judge(self, log: Log, copies: Copies, missing: Collection[str]) -> None:
        """Prove what is promised of all but what was missing for a time."""
        self.findings.broken += copies.faults
        settings, ledger = self._scene.second.stage.settings, without(self._ledger, missing)
        evidence = Evidence(settings, ledger, [], log, self._along.log, int(time() * 1000), frozenset(copies.again))
        proof = await asyncio.to_thread(prove, evidence)
        self._add(proof.verdict)

    async def _count_repeats(self, log: Log, copies: Copies) -> None:
        second, findings = self._scene.second, self.findings
        findings.copied_twice = len(copies.again)
        if self._plan.exactly_once and copies.again:
            findings.broken.append(f"{len(copies.again)} records were copied twice, in spite of exactly once")
        ids = [line.identity for lines in log[second.student] for line in lines]
        metrics = await second.fleet.workers[0].metrics()
        findings.repeats_dropped = int(metrics.get("rollcall_repeated_records_total", 0))
        if findings.repeats_dropped != len(ids) - len({*ids}):
            findings.broken.append(
                f"{findings.repeats_dropped} of {len(ids) - len({*ids})} repetitions were passed over"
            )
        findings.broken += [*self._ledger.oddities, *self._along.faults, *second.fleet.all_faults()]

    def _add(self, verdict: Verdict) -> None:
        findings, counts = self.findings, verdict.counts
        findings.lost += counts[LOST]
        findings.doubled += counts[DOUBLED]
        findings.inverted += counts[INVERTED]
        findings.wrong += counts[WRONG]
        findings.broken += verdict.examples

    async def _until(self, holds: Callable[[], bool], what: str) -> None:
        end = monotonic() + PATIENCE
        while not holds():
            if monotonic() > end:
                raise TimeoutError(f"it was waited for {PATIENCE:g} s in vain that {what}")
            await asyncio.sleep(LOOK)
