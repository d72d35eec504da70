"""The faults: each does its harm while the load goes on, and returns once the API is well again."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from math import inf
from random import Random
from time import monotonic

from rollcall_dev.chaos.api import Api
from rollcall_dev.chaos.callers import Line, Put
from rollcall_dev.chaos.ledger import Outcome
from rollcall_dev.chaos.load import Load
from rollcall_dev.chaos.network import Network
from rollcall_dev.chaos.topic import Topic
from rollcall_dev.kafka import Broker
from rollcall_domain.partition import partition_for

RECOVERY_LIMIT = 90.0
"""Seconds after which the API will not recover any more."""

LIMIT = 700
"""Bytes that the topic takes in a batch, once it is to take little: enough for a few updates, but not for long ones."""

RENEWAL = 2000
"""Records of a partition after which a client is replaced that is to be replaced often."""

_LOSSES = 0.5
"""Which part of broken connections loses answers before."""


@dataclass(frozen=True)
class Plan:
    """How to run.

    Attributes:
        seconds: How long the load goes on before the fault, and after it.
        deadline: The API's deadline in seconds.
        freeze: Seconds for which a broker is frozen.
        cuts: How often connections are broken.
        renewed: Updates that are accepted while clients are replaced, at the least.
    """

    seconds: float = 10.0
    deadline: float = 5.0
    freeze: float = 20.0
    cuts: int = 400
    renewed: int = 40_000


@dataclass
class Scene:
    """What a fault may harm.

    Attributes:
        brokers: Kafka's nodes, by their id from 1.
        topic: The topic of updates.
        api: The API.
        load: What goes on meanwhile.
        network: What is between the API and the broker, if that may fail.
        plan: How to run.
        since: What was accepted before that time of the monotonic clock may be gone.
    """

    brokers: list[Broker]
    topic: Topic
    api: Api
    load: Load
    network: Network | None
    plan: Plan
    since: float = -inf

    async def recovery(self, begin: float) -> float:
        """Wait until an update is accepted in each partition.

        Args:
            begin: When the API could begin to recover, in seconds of the monotonic clock.

        Returns:
            Seconds since then, or infinity if it does not recover.
        """
        try:
            async with asyncio.timeout(RECOVERY_LIMIT):
                await asyncio.gather(*map(self._accepted, range(self.topic.partitions)))
        except TimeoutError:
            return inf
        return monotonic() - begin

    async def _accepted(self, partition: int) -> None:
        names = (f"probe-{number}" for number in count())
        student = next(name for name in names if partition_for(name.encode(), self.topic.partitions) == partition)
        line = Line(self.api.door)
        while await self.load.callers.put(line, Put(student, 0)) is not Outcome.ACCEPTED:
            pass
        line.connection.drop()


Inflict = Callable[[Scene], Awaitable[float]]
"""Does harm; gives the seconds until the API is well, after there is no more reason for it not to be."""


@dataclass(frozen=True)
class Fault:
    """A fault.

    Attributes:
        inflict: Does the harm.
        nodes: Nodes of Kafka.
        network: Whether the network between the API and the broker can fail.
        renewal: Records of a partition after which the API replaces its Kafka client; 0 for its own number.
    """

    inflict: Inflict
    nodes: int = 1
    network: bool = False
    renewal: int = 0


async def _kill_broker(scene: Scene) -> float:
    (broker,) = scene.brokers
    broker.kill()
    await asyncio.to_thread(broker.start)
    return await scene.recovery(monotonic())


async def _freeze_broker(scene: Scene) -> float:
    (broker,) = scene.brokers
    broker.pause()
    await asyncio.sleep(scene.plan.freeze)
    broker.resume()
    return await scene.recovery(monotonic())


async def _stop_api(scene: Scene) -> float:
    return await _restart_api(scene, signal.SIGTERM)


async def _kill_api(scene: Scene) -> float:
    return await _restart_api(scene, signal.SIGKILL)


async def _restart_api(scene: Scene, number: signal.Signals) -> float:
    status = await scene.api.end(number)
    if status != (0 if number is signal.SIGTERM else -number):
        raise ChildProcessError(f"the API ended with status {status}")
    begin = monotonic()
    await scene.api.start()
    return await scene.recovery(begin)


async def _send_oversize(scene: Scene) -> float:
    """Lower the topic's limit under way, and send updates that are beyond it among those that are not."""
    await scene.topic.configure("max.message.bytes", str(LIMIT))
    lines = [Line(scene.api.door) for _ in range(scene.topic.partitions)]
    for turn in range(3):
        await asyncio.gather(
            *(
                scene.load.callers.put(
                    line, Put(f"{n}-{'x' * 250}", 0, f"{n}-{turn}-{'k' * 110}", bulk=f"-{'t' * 190}")
                )
                for n, line in enumerate(lines)
            )
        )
    return await scene.recovery(monotonic())


async def _recreate_topic(scene: Scene) -> float:
    """Delete the topic and make it anew; then delete it, and leave it to the API to make it."""
    scene.since = await scene.topic.recreate()
    first = await scene.recovery(monotonic())
    scene.since = await scene.topic.delete()
    return max(first, await scene.recovery(monotonic()))


async def _break_connections(scene: Scene) -> float:
    """Break the connections between the API and the broker again and again, at times after losing answers."""
    assert scene.network is not None  # noqa: S101 - asked for below
    chance = Random(1)  # noqa: S311 - the same at every run
    for _ in range(scene.plan.cuts):
        if chance.random() < _LOSSES:
            scene.network.lose_answers()
            await asyncio.sleep(chance.uniform(0, 0.02))
        scene.network.cut()
        await asyncio.sleep(chance.uniform(0, 0.1))
    return await scene.recovery(monotonic())


async def _kill_leader(scene: Scene) -> float:
    """Kill a broker that leads partitions, and bring it back once the API is well without it."""
    leaders = await scene.topic.leaders()
    victim = scene.brokers[leaders[0] - 1]
    begin = monotonic()
    victim.kill()
    without = await scene.recovery(begin)
    await asyncio.to_thread(victim.start)
    return max(without, await scene.recovery(monotonic()))


async def _renew(scene: Scene) -> float:
    """Let the API replace its clients, as it does all the while."""
    await scene.load.accepted(scene.plan.renewed)
    return await scene.recovery(monotonic())


FAULTS = {
    "broker-kill": Fault(_kill_broker),
    "broker-freeze": Fault(_freeze_broker),
    "api-stop": Fault(_stop_api),
    "api-kill": Fault(_kill_api),
    "oversize": Fault(_send_oversize),
    "recreate-topic": Fault(_recreate_topic),
    "network": Fault(_break_connections, network=True),
    "leader-kill": Fault(_kill_leader, nodes=3),
    "renewal": Fault(_renew, renewal=RENEWAL),
}
"""All faults, by name."""
