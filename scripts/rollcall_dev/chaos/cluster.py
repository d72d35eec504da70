"""The brokers that faults are done to."""

from contextlib import AbstractContextManager

from rollcall_dev.chaos.network import Network
from rollcall_dev.kafka import Broker, BrokerConfig, Listener, Node, ports
from rollcall_dev.kafka.cluster import plan, running


def cluster(count: int, network: Network | None = None) -> AbstractContextManager[list[Broker]]:
    """Run brokers that are a cluster.

    Args:
        count: How many.
        network: What is to be between the only one of them and its clients, beside the way that has nothing between.
    """
    if network is None:
        return running(plan(count))
    return running([_behind(network, Node.on_free_ports())])


def _behind(network: Network, node: Node) -> BrokerConfig:
    """Plan a broker that tells those who come by a network to stay there."""
    listener = Listener(name="NETWORK", protocol="PLAINTEXT", host=ports.HOST, port=network.target)
    told = f"PLAINTEXT://{node.bootstrap_servers},NETWORK://{network.bootstrap_servers}"
    return BrokerConfig(node=node, listeners=(listener,), properties={"advertised.listeners": told})
