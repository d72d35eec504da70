"""What a broker is to be, its place in the cluster and its settings, as data; and what a mirror is to be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from rollcall_dev.kafka import ports

# The C1 compiler alone and the serial collector leave the cores to the code
# under test, and start fastest.
JVM_OPTIONS = ("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")

# 22 characters, as Kafka wants them: "Rollcall-local-1" in URL-safe base 64.
CLUSTER_ID = "Um9sbGNhbGwtbG9jYWwtMQ"
_MAX_REPLICATION = 3


def replication(brokers: int) -> int:
    """Tell how many copies of a topic so many brokers are to have."""
    return min(brokers, _MAX_REPLICATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One combined broker and controller, and where it listens."""

    id: int
    port: int
    controller_port: int

    @classmethod
    def on_free_ports(cls, node_id: int = 1, *, port: int | None = None) -> Self:
        """Place a node on free ports, or on `port` for its clients."""
        given = [] if port is None else [port]
        client_port, controller_port = [*given, *ports.choose_several(2 - len(given), without=given)]
        return cls(id=node_id, port=client_port, controller_port=controller_port)

    @property
    def bootstrap_servers(self) -> str:
        """Where clients connect, as Kafka's clients want it."""
        return f"{ports.HOST}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A further address for clients, beside the plaintext one.

    Attributes:
        name: What Kafka calls it: capital letters and digits.
        protocol: `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`.
        host: The name that clients are told to use; it must mean this machine.
        port: By default, a free one.
        properties: Its own properties, without their prefix `listener.name.…`.
    """

    name: str
    protocol: str
    host: str = "localhost"
    port: int = field(default_factory=ports.choose)
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def bootstrap_servers(self) -> str:
        """Where clients connect, as Kafka's clients want it."""
        return f"{self.host}:{self.port}"

    def qualified_properties(self) -> dict[str, str]:
        """Return its properties as the server wants them."""
        prefix = f"listener.name.{self.name.lower()}."
        return {prefix + key: value for key, value in self.properties.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerConfig:
    """How to run one broker.

    Attributes:
        node: The broker's id and ports; by default, on free ones.
        voters: All nodes of the cluster; none means this node alone.
        listeners: Where it listens beside the plaintext port, which is for
            this machine and other brokers.
        data: The directory to keep; none means a temporary one.
        properties: Server properties, above those that are set here.
        jvm_options: Options of the Java virtual machine.
        start_timeout: Seconds until clients must be able to use the broker.
        stop_timeout: Seconds it has to stop in before it is killed.
    """

    node: Node = field(default_factory=Node.on_free_ports)
    voters: tuple[Node, ...] = ()
    listeners: tuple[Listener, ...] = ()
    data: Path | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    jvm_options: tuple[str, ...] = JVM_OPTIONS
    start_timeout: float = 60
    stop_timeout: float = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorConfig:
    """How to run MirrorMaker.

    Attributes:
        source: Bootstrap servers of the cluster that it copies.
        target: Bootstrap servers of the cluster that it copies to.
        topic_prefix: What the environment's topics have before their names.
        replication: Copies of each topic that it makes.
        exactly_once: Whether it copies in transactions.
        jvm_options: Options of the Java virtual machine.
        start_timeout: Seconds until it must copy.
        stop_timeout: Seconds it has to stop in before it is killed.
    """

    source: str
    target: str
    topic_prefix: str = ""
    replication: int = 1
    exactly_once: bool = False
    jvm_options: tuple[str, ...] = JVM_OPTIONS
    start_timeout: float = 60
    stop_timeout: float = 30


def mirror_environment(config: MirrorConfig) -> dict[str, str]:
    """Return what `deploy/mirror.properties` takes from the environment."""
    return {
        "MIRROR_FROM": config.source,
        "MIRROR_TO": config.target,
        "MIRROR_REPLICATION": str(config.replication),
        "MIRROR_EXACTLY_ONCE": "enabled" if config.exactly_once else "disabled",
        "ROLLCALL_TOPIC_PREFIX": config.topic_prefix,
    }


def meta_properties(node: Node, directory_id: str) -> dict[str, str]:
    """Return what `meta.properties` says in a formatted log directory."""
    return {
        "version": "1",
        "cluster.id": CLUSTER_ID,
        "node.id": str(node.id),
        "directory.id": directory_id,
    }


def server_properties(config: BrokerConfig, log_directory: Path) -> dict[str, str]:
    """Return the properties that Kafka is started with."""
    node = config.node
    voters = config.voters or (node,)
    further = config.listeners
    clients = f"PLAINTEXT://{node.bootstrap_servers}"
    bound = [clients, *(f"{listener.name}://{ports.HOST}:{listener.port}" for listener in further)]
    advertised = [clients, *(f"{listener.name}://{listener.bootstrap_servers}" for listener in further)]
    protocols = [
        "PLAINTEXT:PLAINTEXT",
        "CONTROLLER:PLAINTEXT",
        *(f"{listener.name}:{listener.protocol}" for listener in further),
    ]
    controller = f"CONTROLLER://{ports.HOST}:{node.controller_port}"
    quorum = ",".join(f"{v.id}@{ports.HOST}:{v.controller_port}" for v in voters)
    return {
        "process.roles": "broker,controller",
        "node.id": str(node.id),
        "controller.quorum.voters": quorum,
        "controller.listener.names": "CONTROLLER",
        "listeners": ",".join([*bound, controller]),
        "advertised.listeners": ",".join(advertised),
        "listener.security.protocol.map": ",".join(protocols),
        "log.dirs": str(log_directory),
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        # A killed broker is let in again only when its old session has ended.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        # Were it also the controller, that session begins only with the next one: which is soon found then, so that
        # partitions have new leaders before a client of the API has to be told that Kafka does not answer.
        "controller.quorum.fetch.timeout.ms": "1000",
        "offsets.topic.num.partitions": "3",
        "transaction.state.log.num.partitions": "3",
        "share.coordinator.state.topic.num.partitions": "3",
        # The default buffer of 128 MiB is a third of the heap, used or not.
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
        **_copied(len(voters)),
        **{key: value for listener in further for key, value in listener.qualified_properties().items()},
        **config.properties,
    }


def _copied(brokers: int) -> dict[str, str]:
    """Return the properties by which all topics outlive the loss of any broker, Kafka's own among them."""
    copies = replication(brokers)
    in_sync = max(1, copies - 1)
    return {
        "default.replication.factor": str(copies),
        "min.insync.replicas": str(in_sync),
        "offsets.topic.replication.factor": str(copies),
        "transaction.state.log.replication.factor": str(copies),
        "transaction.state.log.min.isr": str(in_sync),
        "share.coordinator.state.topic.replication.factor": str(copies),
        "share.coordinator.state.topic.min.isr": str(in_sync),
    }


def to_java(properties: Mapping[str, str]) -> bytes:
    """Encode as a `.properties` file, which is ASCII with UTF-16 escapes."""
    lines = (f"{_escaped(key)}={_escaped(properties[key])}\n" for key in properties)
    return "".join(lines).encode("ascii")


def _escaped(text: str) -> str:
    return "".join(char if char.isascii() and (char.isalnum() or char in "._-/,@") else _escape(char) for char in text)


def _escape(char: str) -> str:
    units = char.encode("utf-16-be").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))
