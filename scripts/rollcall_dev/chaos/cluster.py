"""The brokers that faults are done to."""

from collections.abc import Iterator
from contextlib import contextmanager

from rollcall_dev.chaos.network import Network
from rollcall_dev.kafka import Broker, BrokerConfig, Listener, Node, ports


@contextmanager
def cluster(count: int, network: Network | None = None) -> Iterator[list[Broker]]:
    """Run brokers that are a cluster.

    Args:
        count: How many.
        network: What is to be between the only one of them and its clients, beside the way that has nothing between.
    """
    nodes = tuple(Node.on_free_ports(number) for number in range(1, count + 1))
    if network is None:
        configs = [BrokerConfig(node=node, voters=nodes, stop_timeout=2) for node in nodes]
    else:
        configs = [_behind(network, nodes[0])]
    brokers = [Broker(config) for config in configs]
    try:
        for broker in brokers:
            broker.launch()
        for broker in brokers:
            broker.wait_ready()
        yield brokers
    finally:
        for broker in brokers:
            broker.close()


def _behind(network: Network, node: Node) -> BrokerConfig:
    """Plan a broker that tells those who come by a network to stay there."""
    listener = Listener(name="NETWORK", protocol="PLAINTEXT", host=ports.HOST, port=network.target)
    told = f"PLAINTEXT://{node.bootstrap_servers},NETWORK://{network.bootstrap_servers}"
    return BrokerConfig(node=node, listeners=(listener,), properties={"advertised.listeners": told})
