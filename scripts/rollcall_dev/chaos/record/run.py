"""The run: load and harm at once, and then the proof that nothing has come of the harm."""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, time

from rollcall_dev.chaos.api import Api
from rollcall_dev.chaos.cluster import cluster
from rollcall_dev.chaos.ledger import Ledger
from rollcall_dev.chaos.record.clients import Clients
from rollcall_dev.chaos.record.fleet import Fleet
from rollcall_dev.chaos.record.harm import Scene
from rollcall_dev.chaos.record.log import Reader, read
from rollcall_dev.chaos.record.plan import Plan, lanes
from rollcall_dev.chaos.record.proof import Evidence, Proof, prove
from rollcall_dev.chaos.record.stage import SETTLED_WITHIN, Stage
from rollcall_dev.chaos.record.straight import Writer

BROKERS, APIS = 3, 2

SETTINGS = {
    "replication": BROKERS,
    "repeat_window": 4000,
    "many_logins_minutes": 0.2,
    "too_long_hours": 20 / 3600,
}
"""Settings of the workers with which all that may happen happens within a minute."""

LOOK = 0.5
"""Seconds between looks at how far things have come."""

QUIET = 2
"""How often in a row there has to be no lag."""

PATIENCE = 3 * SETTLED_WITHIN
"""Seconds after which there will always be a lag."""


@dataclass
class Result:
    """What a run has shown.

    Attributes:
        seconds: How long it has taken.
        faults: How often each harm was done.
        lag_seconds: Seconds until there was no lag any more.
        proof: What the logs show.
        broken: The promises that are broken, in words.
        warnings: What the workers have logged that is more than information, and how often.
    """

    seconds: float
    faults: dict[str, int]
    lag_seconds: float
    proof: Proof
    broken: list[str]
    warnings: dict[str, int]


class Progress:
    """Tells on standard error how a run goes on."""

    def __init__(self) -> None:
        self._begin = monotonic()

    def __call__(self, told: str) -> None:
        """Tell something."""
        print(f"{monotonic() - self._begin:6.1f} s  {told}", file=sys.stderr, flush=True)

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return monotonic() - self._begin


async def run(plan: Plan, seed: int) -> Result:
    """Run all of it under load and harm, and compare what has come of it with what had to."""
    tell, ledger = Progress(), Ledger()
    tell(f"seed {seed}; {BROKERS} brokers, {APIS} APIs and a worker are started")
    async with _scene(tell) as scene:
        stage, fleet = scene.stage, scene.fleet
        with Writer(stage) as writer, Reader(stage.servers, stage.derived, stage.settings.partitions) as along:
            deaths = [asyncio.create_task(api.death()) for api in scene.apis]
            clients = Clients(ledger, scene.apis, writer, seed)
            async with clients:
                await asyncio.gather(*(scene.follow(steps) for steps in lanes(plan, seed)))
                tell(f"all harm is done; {clients.accepted} updates were accepted so far, and {clients.poison} poison")
                while clients.accepted < plan.events or clients.poison < plan.poison:  # noqa: ASYNC110 - can only be asked
                    await asyncio.sleep(LOOK)
            lag_seconds = await settled(stage, fleet)
            tell(f"no lag after {lag_seconds:.1f} s; the topics are read")
            await fleet.scale(0)  # the clock goes on, and raises alerts
            proof, broken = await conclude(stage, ledger, writer, along)
        broken += [task.result() for task in deaths if task.done()]
        for task in deaths:
            task.cancel()
        warnings = dict(fleet.warnings())
    broken += [*ledger.oddities, *fleet.all_faults(), *late(lag_seconds)]
    return Result(tell.seconds, dict(scene.done), lag_seconds, proof, broken, warnings)


def late(lag_seconds: float) -> list[str]:
    """Tell that there was a lag for too long, if there was."""
    return [] if lag_seconds <= SETTLED_WITHIN else [f"there was a lag for {lag_seconds:.0f} s after the last harm"]


async def settled(stage: Stage, fleet: Fleet, patience: float = PATIENCE) -> float:
    """Wait until all that was written is handled, and all transactions are over.

    Args:
        stage: Where it was written.
        fleet: Who handles it.
        patience: Seconds after which it is given up.

    Returns:
        Seconds that it took.
    """
    begin, quiet, told = monotonic(), 0, 0.0
    while quiet < QUIET and monotonic() - begin < patience:
        lag = await fleet.lag()
        if lag == 0 and not await stage.open_transactions():
            told = told if quiet else monotonic() - begin
            quiet += 1
        else:
            quiet = 0
        await asyncio.sleep(LOOK)
    return told if quiet else monotonic() - begin


async def conclude(stage: Stage, ledger: Ledger, writer: Writer, along: Reader) -> tuple[Proof, list[str]]:
    """Read all topics, and find out what is wrong.

    Args:
        stage: Where they are.
        ledger: What the API's clients were told.
        writer: Has written straight to the topic.
        along: Has read along all the while.

    Returns:
        What the logs show, and which promises are broken, in words.
    """
    broken = [f"a transaction is open: {place}" for place in await stage.open_transactions()]
    now = int(time() * 1000)
    log = await read(stage.servers, stage.topics, stage.settings.partitions)
    derived = {topic: log[topic] for topic in stage.derived}
    if not await along.follow(derived):
        broken.append("who read all along did not come to the end")
    evidence = Evidence(stage.settings, ledger, writer.sent, log, along.log, now)
    proof = await asyncio.to_thread(prove, evidence)
    return proof, [*broken, *along.faults, *proof.verdict.examples]


@contextlib.asynccontextmanager
async def _scene(tell: Callable[[str], None]) -> AsyncIterator[Scene]:
    async with contextlib.AsyncExitStack() as parts:
        directory = Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="rollcall-chaos-")))
        brokers = parts.enter_context(cluster(BROKERS))
        servers = ",".join(broker.bootstrap_servers for broker in brokers)
        stage = Stage(servers, SETTINGS)
        await stage.set_up()
        apis = [Api(servers, {"replication": BROKERS}, directory / f"api-{n}.log", number=n) for n in range(APIS)]
        for api in apis:
            parts.push_async_callback(api.end)
        fleet = await parts.enter_async_context(Fleet(stage, directory))
        await fleet.scale(1)
        await asyncio.gather(*(api.start() for api in apis))
        yield Scene(stage, brokers, fleet, apis, tell)
