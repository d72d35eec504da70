"""Brokers that are one cluster."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from rollcall_dev.kafka import ports
from rollcall_dev.kafka.broker import Broker
from rollcall_dev.kafka.config import BrokerConfig, Node
from rollcall_dev.kafka.directories import filling
from rollcall_dev.kafka.errors import KafkaStartError

STOP_TIMEOUT = 10.0
"""Seconds for one of several brokers to stop in: all at once take five, and one that is left alone takes for ever."""

HASTE = 2.0
"""Seconds for a broker to stop in whose data is thrown away."""

_DIRECTORY = "broker-"


def plan(count: int, *, port: int | None = None, data: Path | None = None) -> list[BrokerConfig]:
    """Plan the brokers of a cluster.

    Args:
        count: How many.
        port: For clients of the first broker, the next one for those of the second, and so on; by default, free ones.
        data: The directory to keep, with one in it for each broker; none means temporary ones.

    Raises:
        KafkaStartError: The data is that of another number of brokers, or no port is free.
    """
    nodes = _place(count, port)
    if data is None:
        return [BrokerConfig(node=node, voters=nodes, stop_timeout=HASTE) for node in nodes]
    return [
        BrokerConfig(node=node, voters=nodes, data=own, stop_timeout=STOP_TIMEOUT)
        for node, own in zip(nodes, _divide(data, count), strict=True)
    ]


def _place(count: int, port: int | None) -> tuple[Node, ...]:
    given = [] if port is None else [*range(port, port + count)]
    chosen = iter(ports.choose_several(2 * count, without=given))
    clients = given or [next(chosen) for _ in range(count)]
    return tuple(
        Node(id=number, port=client, controller_port=next(chosen)) for number, client in enumerate(clients, start=1)
    )


def _divide(data: Path, count: int) -> list[Path]:
    """Give each broker its directory; one alone has all of it."""
    kept = 1 if (data / "data").exists() else len([*data.glob(f"{_DIRECTORY}*")])
    if kept not in {0, count}:
        raise KafkaStartError(f"{data} has the data of {kept} broker{'s' * (kept > 1)}, not of {count}")
    return [data] if count == 1 else [data / f"{_DIRECTORY}{number}" for number in range(1, count + 1)]


@contextmanager
def running(configs: Sequence[BrokerConfig]) -> Iterator[list[Broker]]:
    """Run the brokers of a cluster while the body runs, and have all of them stop at once.

    Raises:
        KafkaStartError: One of them could not be started.
    """
    for directory in [config.data for config in configs if config.data is not None]:
        with filling(directory, 0):
            pass  # all of them or none: it is by them that their number is known
    brokers = [Broker(config) for config in configs]
    try:
        for broker in brokers:
            broker.launch()
        for broker in brokers:
            broker.wait_ready()
        yield brokers
    finally:
        with ThreadPoolExecutor(len(brokers)) as pool:
            for _ in pool.map(Broker.close, brokers):
                pass
