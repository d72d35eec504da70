"""The drill: a broker is lost under load and comes back, and it is found out what that has cost."""

import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from rollcall_dev.chaos.ingest import ANSWER_WITHIN
from rollcall_dev.chaos.ledger import Ledger, Outcome
from rollcall_dev.chaos.record.log import Reader
from rollcall_dev.chaos.record.run import Progress, conclude, late, settled
from rollcall_dev.chaos.record.straight import Writer
from rollcall_dev.chaos.record.verdict import DOUBLED, INVERTED, LOST, WRONG
from rollcall_dev.drill.failover.clients import Clients
from rollcall_dev.drill.failover.loss import RECOVERY_LIMIT, Loss, Scene, lose
from rollcall_dev.drill.failover.standstill import firsts, longest
from rollcall_dev.drill.failover.watch import Watch
from rollcall_dev.drill.report import Report
from rollcall_dev.drill.site import site

BROKERS, WORKERS = 3, 2

DEADLINE = 5.0
"""Seconds within which the API answers, by its default."""

RATE = 200.0
"""Updates a second."""


async def rehearse(seed: int, seconds: float, rate: float = RATE, broker: int | None = None) -> Report:
    """Lose a broker under load, have it back, and find out what that has cost.

    Args:
        seed: What all chance is drawn from.
        seconds: Of load before the loss, without the broker at the least, and with it again.
        rate: Updates a second.
        broker: Which one is lost; by default, the one whose end is the worst.
    """
    tell = Progress()
    tell(f"seed {seed}; {BROKERS} brokers, the API and {WORKERS} workers are started")
    async with _scene() as scene:
        stage, fleet, api = scene.site.stage, scene.site.fleet, scene.site.api
        async with Watch([api, *fleet.workers]) as watch:
            async with Clients(scene.ledger, api.door, rate, seed):
                loss = await lose(scene, seconds, broker, tell)
            lag_seconds = await settled(stage, fleet)
        tell(f"no lag after {lag_seconds:.1f} s; the topics are read")
        await fleet.scale(0)
        proof, broken = await conclude(stage, scene.ledger, Writer(stage), scene.along)
        _tell_warnings(scene)
    figures: dict[str, float | str] = {
        "seed": seed,
        "broker": loss.broker,
        "roles": str(loss.roles),
        **_standstill(scene, loss),
        "return_seconds": round(loss.return_seconds, 1),
        "lag_seconds": round(lag_seconds, 1),
        "restarts": watch.restarts.total(),
        "livez_answers": watch.lived.total(),
        "livez_faults": watch.silent.total(),
        **{str(outcome): number for outcome, number in proof.outcomes.items()},
        **{kind: proof.verdict.counts[kind] for kind in (LOST, DOUBLED, INVERTED, WRONG)},
        "effects": proof.effects,
        "seconds": round(tell.seconds, 1),
    }
    broken += [*_broken(scene, loss), *watch.faults(), *fleet.all_faults(), *late(lag_seconds)]
    return Report(figures, broken)


def _standstill(scene: Scene, loss: Loss) -> dict[str, float]:
    """Tell how long writes and effects stood still, in seconds, and how many updates had to be sent again."""
    figures = {
        f"{kind}_still_{name}_s": round(longest(times, window), 2)
        for kind, times in (("writes", scene.acceptances), ("effects", scene.effects))
        for name, window in (("before", loss.before), ("away", loss.away), ("back", loss.back))
    }
    first = firsts(scene.ledger.attempts, loss.away)
    return {
        **figures,
        "sent_away": first.sent,
        "refused_away": first.refused,
        "refused_away_share": round(first.share, 4),
        "slowest_answer_s": round(scene.ledger.slowest, 2),
    }


def _broken(scene: Scene, loss: Loss) -> Iterator[str]:
    """Name the promises that are broken, but for those of the ledger."""
    yield from scene.ledger.oddities
    if not loss.recovered:
        yield f"not all partitions went on without the broker, within {RECOVERY_LIMIT:.0f} s"
    if scene.ledger.slowest > DEADLINE + ANSWER_WITHIN:
        yield f"an answer took {scene.ledger.slowest:.1f} s, with a deadline of {DEADLINE:g} s"
    rejected = scene.ledger.count(Outcome.REJECTED)
    if rejected:
        yield f"{rejected} updates were rejected"


def _tell_warnings(scene: Scene) -> None:
    for warnings in (scene.site.api.warnings(), scene.site.fleet.warnings()):
        for warning, number in sorted(warnings.items(), key=lambda item: -item[1]):
            print(f"  logged: {warning} ({number})", file=sys.stderr)


@contextlib.asynccontextmanager
async def _scene() -> AsyncIterator[Scene]:
    with tempfile.TemporaryDirectory(prefix="rollcall-drill-") as directory:
        async with site(Path(directory), BROKERS, WORKERS) as place:
            stage = place.stage
            with Reader(stage.servers, stage.derived, stage.settings.partitions) as along:
                await place.api.start()
                await settled(stage, place.fleet)
                yield Scene(place, Ledger(), along)
