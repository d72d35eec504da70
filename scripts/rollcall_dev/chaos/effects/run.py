"""The run: load and harm at once, the proof that nothing has come of the harm, and the way back of dead letters."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from rollcall_consumer.dead import Selection
from rollcall_consumer.redrive import Plan as Redrive
from rollcall_consumer.redrive import redrive
from rollcall_consumer.runtime.flow import inputs
from rollcall_dev.chaos.cluster import cluster
from rollcall_dev.chaos.effects.alerts import drawn
from rollcall_dev.chaos.effects.effect import ledgered
from rollcall_dev.chaos.effects.harm import Harm, Scene
from rollcall_dev.chaos.effects.ledger import read as read_ledgers
from rollcall_dev.chaos.effects.letters import Origin, check_letters
from rollcall_dev.chaos.effects.plan import BEGIN, Plan, steps
from rollcall_dev.chaos.effects.proof import Evidence, Proof, check_parked, prove
from rollcall_dev.chaos.effects.redriven import check_redriven
from rollcall_dev.chaos.effects.worker import program
from rollcall_dev.chaos.record.fleet import Fleet
from rollcall_dev.chaos.record.log import read
from rollcall_dev.chaos.record.run import Progress, late
from rollcall_dev.chaos.record.stage import SETTLED_WITHIN, Stage
from rollcall_dev.chaos.record.straight import Sent, Writer
from rollcall_domain import codec
from rollcall_domain.alert import Alert
from rollcall_domain.partition import partition_for
from rollcall_domain.service.group import look, observing
from rollcall_domain.topics import ALERTS, DEAD_LETTERS, PARKED

LOOK = 0.25
"""Seconds between looks at how far things have come."""

PATIENCE = 3 * SETTLED_WITHIN
"""Seconds after which there will always be a lag."""

TURN = 0.02
"""Seconds between writing some alerts and some more."""


@dataclass
class Result:
    """What a run has shown.

    Attributes:
        seconds: How long it has taken.
        harms: What was done to workers, and when.
        lag_seconds: Seconds after the last harm and the last alert until all was handled.
        proof: What the logs show.
        redriven: Dead letters that have succeeded once they were sent back.
        broken: The promises that are broken, in words.
        warnings: What the workers have logged that is more than information, and how often.
    """

    seconds: float
    harms: list[Harm]
    lag_seconds: float
    proof: Proof
    redriven: int
    broken: list[str]
    warnings: dict[str, int]


@dataclass
class Place:
    """Where a run takes place.

    Attributes:
        stage: The cluster, as an operator sees it.
        logs: The directory for what workers log.
        ledgers: The directory for their ledgers.
    """

    stage: Stage
    logs: Path
    ledgers: Path


async def run(
    plan: Plan, seed: int, patch: str = "", *, logs: Path | None = None, patience: float = PATIENCE
) -> Result:
    """Run all of it under load and harm, and compare what has come of it with what had to.

    Args:
        plan: How it goes.
        seed: What all chance is drawn from.
        patch: Python that makes workers others than they are, or an empty string.
        logs: The directory where ledgers and what workers log are kept, if they are to be.
        patience: Seconds after which it is not waited any more for what is still to be handled.
    """
    tell = Progress()
    tell(f"seed {seed}; a broker and {BEGIN} workers are started")
    async with _place(logs) as place:
        async with Fleet(place.stage, place.logs, program(place.ledgers, patch)) as fleet:
            scene = Scene(fleet, place.ledgers, tell)
            written = await _load(place.stage, scene, plan, seed)
            tell(f"all harm is done, and {len(written)} alerts are written")
            lag_seconds, left = await _handled(place.stage, patience)
        tell(f"all is handled after {lag_seconds:.1f} s" if not left else f"{left} records are left")
        proof = await _conclude(place, written, scene)
        broken = [*proof.verdict.examples, *fleet.all_faults(), *late(lag_seconds)]
        broken += [f"{left} records are left, by what is committed"] if left else []
        redriven, warnings = 0, fleet.warnings()
        if not broken:
            tell(f"{proof.letters.total()} dead letters are sent back")
            redriven, broken = await _send_back(place, proof)
    return Result(tell.seconds, scene.harms, lag_seconds, proof, redriven, broken, dict(warnings))


@contextlib.asynccontextmanager
async def _place(logs: Path | None) -> AsyncIterator[Place]:
    with contextlib.ExitStack() as parts:
        if logs is None:
            logs = Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="rollcall-chaos-")))
        logs, ledgers = _directories(logs)
        (broker,) = parts.enter_context(cluster(1))
        stage = Stage(broker.bootstrap_servers, {}, ledgered(ledgers))
        await stage.set_up()
        yield Place(stage, logs, ledgers)


def _directories(logs: Path) -> tuple[Path, Path]:
    """Make a directory for what workers log, and one for their ledgers in there."""
    ledgers = logs / "ledgers"
    ledgers.mkdir(parents=True)
    return logs, ledgers


async def _load(stage: Stage, scene: Scene, plan: Plan, seed: int) -> Sequence[Alert]:
    """Write alerts, and do harm meanwhile; give what was written."""
    alerts = [*drawn(plan, seed)]
    await scene.fleet.scale(BEGIN)
    while await scene.fleet.lag() is None:  # noqa: ASYNC110 - can only be asked
        await asyncio.sleep(LOOK)
    with Writer(stage, ALERTS) as writer:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_write(writer, alerts, plan.seconds))
            tasks.create_task(scene.follow(steps(plan, seed)))
        await writer.settle()
    return alerts


async def _write(writer: Writer, alerts: Sequence[Alert], seconds: float) -> None:
    """Write alerts evenly."""
    begun, count = monotonic(), 0
    while count < len(alerts):
        due = min(len(alerts), int(len(alerts) * (monotonic() - begun) / seconds) + 1)
        for alert in alerts[count:due]:
            key = alert.student_id.encode()
            writer.write(Sent(partition_for(key, writer.partitions), key, codec.encode(alert), None))
        count = due
        await asyncio.sleep(TURN)


async def _handled(stage: Stage, patience: float) -> tuple[float, int]:
    """Wait until the group has committed that all is handled.

    Returns:
        Seconds that it took, and how many records are left.
    """
    begun = monotonic()
    async with observing(stage.settings, stage.settings.group_id) as group:
        while True:
            left = (await look(group, inputs(stage.pipeline, stage.settings))).total
            seconds = monotonic() - begun
            if not left or seconds > patience:
                return seconds, left
            await asyncio.sleep(LOOK)


async def _conclude(place: Place, written: Sequence[Alert], scene: Scene) -> Proof:
    """Read all that there is to be read, and find out what is wrong."""
    settings = place.stage.settings
    log = await read(settings.bootstrap_servers, place.stage.topics, settings.partitions)
    evidence = Evidence(
        written=written,
        log=log[settings.topic_name(ALERTS)],
        entries=read_ledgers(place.ledgers),
        harms=scene.harms,
        letters=log[settings.topic_name(DEAD_LETTERS)],
        parked=log[settings.topic_name(PARKED)],
        origin=_origin(place.stage),
    )
    return await asyncio.to_thread(prove, evidence)


def _origin(stage: Stage) -> Origin:
    return Origin(stage.settings.owner, stage.settings.topic_name(ALERTS))


async def _send_back(place: Place, proof: Proof) -> tuple[int, list[str]]:
    """Mend the handler, send dead letters back, and have them handled.

    Returns:
        How many have succeeded, and which promises are broken, in words.
    """
    stage, settings, verdict = place.stage, place.stage.settings, proof.verdict
    logs, ledgers = _directories(place.logs / "mended")
    async with Fleet(stage, logs, program(ledgers, mended=True)) as fleet:
        await fleet.scale(BEGIN)
        report = await redrive(
            stage.pipeline, settings, Redrive(selection=Selection()), asyncio.Event(), lambda *_: None
        )
        seconds, left = await _handled(stage, PATIENCE)
    log = await read(settings.bootstrap_servers, stage.topics, settings.partitions)
    letters = check_letters(log[settings.topic_name(DEAD_LETTERS)], proof.stories, _origin(stage), verdict)
    check_parked(log[settings.topic_name(PARKED)], verdict)
    redriven = check_redriven(proof.stories, read_ledgers(ledgers), letters, verdict)
    broken = [*verdict.examples, *fleet.all_faults(), *late(seconds)]
    if not report.finished or report.sent != proof.letters.total() or left:
        broken.append(f"{left} records are left of those that were sent back: {report}")
    return redriven, broken
