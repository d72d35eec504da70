"""The Kafka that `scripts/up` runs on: a cluster that is given, a broker of its own, or several."""

import argparse
import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rollcall_dev.kafka import Broker, cluster, ports
from rollcall_dev.processes import how, show
from rollcall_domain.service.settings import PREFIX

GIVEN = PREFIX + "BOOTSTRAP_SERVERS"
"""The variable that names a cluster to be used."""

PORT = 9092
"""Where Kafka listens, if nobody else does: clients look for it there."""

COUNTS = (1, 3, 5)
"""How many brokers there may be: with an even number no more of them may be lost, and more are of no use."""

_LOOK = 0.2


def number(text: str) -> int:
    """Read a number of brokers.

    Raises:
        ArgumentTypeError: So many can't be had.
    """
    if text not in map(str, COUNTS):
        raise argparse.ArgumentTypeError(f"{text} is not 1, 3 or 5: when one ends, the greater part has to go on")
    return int(text)


@dataclass
class Kafka:
    """Where Kafka is.

    Attributes:
        servers: Its bootstrap servers.
        brokers: Those that are ours.
    """

    servers: str
    brokers: Sequence[Broker] = ()

    async def ended(self) -> str:
        """Wait until too few of our brokers are left to go on, and say so; tell meanwhile of each that ends."""
        count, left, told = len(self.brokers), [*self.brokers], ""
        while 2 * len(left) > count:
            await asyncio.sleep(_LOOK)  # their processes are not asyncio's
            for broker in [broker for broker in left if not broker.running]:
                left.remove(broker)
                told = f"ended {how(broker.wait())}; see {broker.log}"
                if count > 1:
                    show("kafka", f"{_name(broker)} {told}")
        return f"Kafka {told}" if count == 1 else f"too few brokers are left to go on: {len(left)} of {count}"


@contextmanager
def running(count: int, port: int | None, data: Path | None) -> Iterator[Kafka]:
    """Use the cluster that is given, or else run brokers while the body runs.

    Args:
        count: How many.
        port: Of the first one, which those of the others follow; by default, one that clients look for or any.
        data: The directory to keep; none means temporary ones.

    Raises:
        KafkaStartError: They could not be started.
    """
    if GIVEN in os.environ:
        yield Kafka(os.environ[GIVEN])
        return
    first = port or (PORT if all(map(ports.is_free, range(PORT, PORT + count))) else None)
    with cluster.running(cluster.plan(count, port=first, data=data)) as brokers:
        for broker in brokers:
            told = f"listening on {broker.bootstrap_servers}, process {broker.pid}, log in {broker.log}"
            show("kafka", told if count == 1 else f"{_name(broker)} {told}")
        yield Kafka(",".join(broker.bootstrap_servers for broker in brokers), brokers)


def _name(broker: Broker) -> str:
    return f"broker {broker.config.node.id}"
