"""A broker that is lost under load, and comes back."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

from rollcall_dev.chaos.ledger import Ledger
from rollcall_dev.chaos.record.log import Reader
from rollcall_dev.drill.failover.roles import Roles, find, worst
from rollcall_dev.drill.failover.standstill import Window, acceptances
from rollcall_dev.drill.site import Site
from rollcall_domain.topics import STATE

RECOVERY_LIMIT = 30.0
"""Seconds without the broker within which all goes on."""

LOOK = 0.25
"""Seconds between looks at whether all goes on."""


@dataclass
class Scene:
    """Where a broker is lost.

    Attributes:
        site: The cluster.
        ledger: What the API's clients were told.
        along: Reads along what comes of it.
    """

    site: Site
    ledger: Ledger
    along: Reader

    @property
    def acceptances(self) -> dict[int, list[float]]:
        """When updates were accepted, by partition."""
        return acceptances(self.ledger.attempts, self.site.stage.settings.partitions)

    @property
    def effects(self) -> Mapping[int, Sequence[float]]:
        """When records of students came to who reads along, by partition."""
        return self.along.arrivals[self.site.stage.settings.topic_name(STATE)]

    def goes_on(self, since: float) -> bool:
        """Tell whether in each partition an update was accepted since then, and an effect came after that."""
        effects = self.effects
        return all(
            any(since < accepted < latest for accepted in times for latest in effects[index][-1:])
            for index, times in self.acceptances.items()
        )


@dataclass
class Loss:
    """What has happened.

    Attributes:
        broker: Who was lost.
        roles: What it did.
        before: The time of load before.
        away: The time without it.
        back: The time of load once it was back.
        recovered: Whether all partitions went on without it.
        return_seconds: Seconds from its start until it had all copies again.
    """

    broker: int
    roles: Roles
    before: Window
    away: Window
    back: Window
    recovered: bool
    return_seconds: float


async def lose(scene: Scene, seconds: float, broker: int | None, tell: Callable[[str], None]) -> Loss:
    """Kill a broker under load, and start it again.

    Args:
        scene: Where.
        seconds: Before it, without it at the least, and after it.
        broker: Which one; by default, the one whose end is the worst.
        tell: Is told what is done.
    """
    begun = monotonic()
    await asyncio.sleep(seconds)
    roles = await find(scene.site.brokers, scene.site.stage.settings)
    lost = worst(roles) if broker is None else broker
    for node, does in roles.items():
        tell(f"broker {node} {does}{', and is killed' if node == lost else ''}")
    victim = next(one for one in scene.site.brokers if one.config.node.id == lost)
    killed = monotonic()
    victim.kill()
    recovered = await _recovered(scene, killed)
    tell(f"all goes on after {monotonic() - killed:.1f} s" if recovered else "not all goes on without it")
    await asyncio.sleep(killed + seconds - monotonic())
    returned = monotonic()
    await asyncio.to_thread(victim.start)
    await scene.site.stage.copied()
    copied = monotonic()
    tell(f"broker {lost} is back, and has all copies after {copied - returned:.1f} s")
    await asyncio.sleep(seconds)
    before, away, back = Window(begun, killed), Window(killed, returned), Window(returned, monotonic())
    return Loss(lost, roles[lost], before, away, back, recovered, copied - returned)


async def _recovered(scene: Scene, since: float) -> bool:
    try:
        async with asyncio.timeout(RECOVERY_LIMIT):
            while not scene.goes_on(since):  # noqa: ASYNC110 - it can only be looked at
                await asyncio.sleep(LOOK)
    except TimeoutError:
        return False
    return True
