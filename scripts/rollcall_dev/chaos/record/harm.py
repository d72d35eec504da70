"""The harm that is done to workers, brokers and the API; each is over when it returns."""

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import TypeVar

from rollcall_dev.chaos.api import Api
from rollcall_dev.chaos.record.fleet import Fleet
from rollcall_dev.chaos.record.plan import SIZES, Step
from rollcall_dev.chaos.record.stage import Stage
from rollcall_dev.kafka import Broker

WORKER_FREEZE = (7.0, 11.0)
"""Seconds that a worker is frozen: beyond its session of six."""

BROKER_FREEZE = (4.0, 9.0)
"""Seconds that a broker is frozen: beyond its session of three."""

BROKER_AWAY = (0.0, 5.0)
"""Seconds that a broker is away."""

API_AWAY = (0.0, 1.0)
"""Seconds that an API is away."""

STOP_LIMIT = 20.0
"""Seconds for a broker to end in good order."""

T = TypeVar("T")


@dataclass
class Scene:
    """What may be harmed.

    Attributes:
        stage: The cluster, as an operator sees it.
        brokers: Its nodes.
        fleet: The workers.
        apis: The API, several times.
        tell: Is told what is done.
        done: How often each harm was done.
    """

    stage: Stage
    brokers: Sequence[Broker]
    fleet: Fleet
    apis: Sequence[Api]
    tell: Callable[[str], None]
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Begin with the first size."""
        self.sizes = cycle(SIZES)

    async def follow(self, steps: Sequence[Step]) -> None:
        """Do harm, step by step."""
        for step in steps:
            await asyncio.sleep(step.gap)
            await HARM[step.fault](self, step)
            self.done[step.fault] += 1


async def _scale(scene: Scene, _: Step) -> None:
    size = next(scene.sizes)
    scene.tell(f"workers: {size}")
    await scene.fleet.scale(size)


async def _kill_worker(scene: Scene, step: Step) -> None:
    scene.tell("a worker is killed")
    _picked(scene.fleet.workers, step).kill()


async def _freeze_worker(scene: Scene, step: Step) -> None:
    seconds = _between(WORKER_FREEZE, step)
    scene.tell(f"a worker is frozen for {seconds:.1f} s")
    worker = _picked(scene.fleet.workers, step)
    worker.freeze()
    await asyncio.sleep(seconds)
    worker.thaw()


async def _kill_broker(scene: Scene, step: Step) -> None:
    seconds = _between(BROKER_AWAY, step)
    broker = _picked(scene.brokers, step)
    scene.tell(f"broker {broker.config.node.id} is killed, for {seconds:.1f} s")
    broker.kill()
    await asyncio.sleep(seconds)
    await _bring_back(scene, broker)


async def _restart_broker(scene: Scene, step: Step) -> None:
    broker = _picked(scene.brokers, step)
    scene.tell(f"broker {broker.config.node.id} is restarted")
    await asyncio.to_thread(broker.stop, STOP_LIMIT)
    await _bring_back(scene, broker)


async def _bring_back(scene: Scene, broker: Broker) -> None:
    await asyncio.to_thread(broker.start)
    await scene.stage.copied()  # else the next harm would be done to what has no copy


async def _freeze_broker(scene: Scene, step: Step) -> None:
    seconds = _between(BROKER_FREEZE, step)
    broker = _picked(scene.brokers, step)
    scene.tell(f"broker {broker.config.node.id} is frozen for {seconds:.1f} s")
    broker.pause()
    await asyncio.sleep(seconds)
    broker.resume()
    await scene.stage.copied()


async def _kill_api(scene: Scene, step: Step) -> None:
    scene.tell("an API is killed")
    api = _picked(scene.apis, step)
    await api.end(signal.SIGKILL)
    await asyncio.sleep(_between(API_AWAY, step))
    await api.start()


HARM: dict[str, Callable[[Scene, Step], Awaitable[None]]] = {
    "scale": _scale,
    "worker-kill": _kill_worker,
    "worker-freeze": _freeze_worker,
    "broker-kill": _kill_broker,
    "broker-restart": _restart_broker,
    "broker-freeze": _freeze_broker,
    "api-kill": _kill_api,
}
"""All harm, by name."""


def _picked(all_: Sequence[T], step: Step) -> T:
    return all_[int(step.pick * len(all_))]


def _between(span: tuple[float, float], step: Step) -> float:
    shortest, longest = span
    return shortest + step.span * (longest - shortest)
