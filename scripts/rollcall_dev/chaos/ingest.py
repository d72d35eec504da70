"""The producer API under a fault: a run, and what it has shown."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import dataclass
from math import inf
from pathlib import Path
from time import monotonic

from rollcall_dev.chaos.api import Api
from rollcall_dev.chaos.audit import Audit, Findings
from rollcall_dev.chaos.cluster import cluster
from rollcall_dev.chaos.faults import FAULTS, Fault, Plan, Scene
from rollcall_dev.chaos.ledger import Ledger, Outcome
from rollcall_dev.chaos.load import Load
from rollcall_dev.chaos.network import Network
from rollcall_dev.chaos.topic import Topic
from rollcall_dev.kafka import ports
from rollcall_domain.topics import PARTITIONS, STUDENT

HEALTHY_WITHIN = 10.0
"""Seconds after a fault's end within which updates of each partition are accepted again."""

ANSWER_WITHIN = 1.0
"""Seconds beyond the deadline within which every answer comes."""

WARM_UP = 1000
"""Updates that are accepted before the fault, at the least."""


@dataclass
class Result:
    """What a run has shown.

    Attributes:
        fault: The fault's name.
        counts: Attempts, by what their callers were told.
        records: Records in the log.
        findings: What the log says of the ledger.
        slowest: Seconds that the slowest answer took.
        recovery: Seconds until all partitions were served again.
        memory: Bytes of the API's memory at the end.
        broken: The promises that are broken, in words.
        warnings: What the API has logged that is more than information, and how often.
    """

    fault: str
    counts: dict[str, int]
    records: int
    findings: Findings
    slowest: float
    recovery: float
    memory: float
    broken: list[str]
    warnings: dict[str, int]


async def run(name: str, plan: Plan) -> Result:
    """Run the API under load and a fault, and compare what was promised with the log."""
    fault, ledger = FAULTS[name], Ledger()
    async with _scene(fault, ledger, plan) as scene:
        recovery, broken = await _unless_dead(scene, _work(scene, fault, plan))
        memory = (await scene.api.metrics()).get("process_resident_memory_bytes", 0)
        status = await scene.api.end()
        audit = Audit(ledger, [entry async for entry in scene.topic.read()], scene.since)
        findings = audit.run()
        warnings = dict(scene.api.warnings().most_common())
    broken += [*findings.examples, *ledger.oddities, *_too_late(ledger.slowest, recovery, plan)]
    if status:
        broken.append(f"the API ended with status {status}")
    counts = {outcome.value: ledger.count(outcome) for outcome in Outcome}
    return Result(name, counts, audit.size, findings, ledger.slowest, recovery, memory, broken, warnings)


async def _work(scene: Scene, fault: Fault, plan: Plan) -> tuple[float, list[str]]:
    """Do the harm under load.

    Returns:
        Seconds until the API was well again, and promises that are broken.
    """
    async with scene.load:
        await asyncio.gather(scene.load.accepted(WARM_UP), asyncio.sleep(plan.seconds))
        recovery = await fault.inflict(scene)
        await asyncio.sleep(plan.seconds)
    return recovery, [held async for held in _held(scene.api, plan)]


async def _unless_dead(scene: Scene, work: Coroutine[None, None, tuple[float, list[str]]]) -> tuple[float, list[str]]:
    """Work until that is done, or the API has ended by itself."""
    working, death = asyncio.create_task(work), asyncio.create_task(scene.api.death())
    await asyncio.wait([working, death], return_when=asyncio.FIRST_COMPLETED)
    if working.done():
        death.cancel()
        return working.result()
    working.cancel()
    await asyncio.wait([working])
    return inf, [death.result()]


def _too_late(slowest: float, recovery: float, plan: Plan) -> Iterator[str]:
    if slowest > plan.deadline + ANSWER_WITHIN:
        yield f"an answer took {slowest:.1f} s, with a deadline of {plan.deadline:g} s"
    if recovery > HEALTHY_WITHIN:
        yield f"updates were accepted again after {recovery:.1f} s"


async def _held(api: Api, plan: Plan) -> AsyncIterator[str]:
    """Tell what the API still holds once nothing more is sent, if it does not let go of it."""
    end = monotonic() + plan.deadline + ANSWER_WITHIN
    while True:
        metrics = await api.metrics()
        held = {name: metrics.get(name) for name in ("rollcall_updates_in_flight", "rollcall_queued_bytes")}
        if not any(held.values()):
            return
        if monotonic() > end:
            yield f"the API does not let go: {held}"
            return
        await asyncio.sleep(plan.deadline / 20)


@contextlib.asynccontextmanager
async def _scene(fault: Fault, ledger: Ledger, plan: Plan) -> AsyncIterator[Scene]:
    async with contextlib.AsyncExitStack() as parts:
        directory = parts.enter_context(tempfile.TemporaryDirectory(prefix="rollcall-chaos-"))
        network = await parts.enter_async_context(Network(ports.choose())) if fault.network else None
        brokers = parts.enter_context(cluster(fault.nodes, network))
        servers = ",".join(broker.bootstrap_servers for broker in brokers)
        settings = {"deadline_seconds": plan.deadline, "replication": fault.nodes}
        api = Api(
            servers if network is None else network.bootstrap_servers,
            settings,
            Path(directory) / "api.log",
            fault.renewal,
        )
        topic = Topic(servers, STUDENT.name, PARTITIONS, fault.nodes)
        parts.push_async_callback(api.end)
        await api.start()
        yield Scene(brokers, topic, api, Load(ledger, api.door), network, plan)
