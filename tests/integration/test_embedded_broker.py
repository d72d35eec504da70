"""A broker as its user sees it: starts, serves, restarts, leaves nothing behind."""

import asyncio
import os
import select
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from rollcall_dev.kafka import Broker, BrokerConfig, KafkaStartError, Node, cluster

TOPIC = "Student"
PARTITION = TopicPartition(TOPIC, 0)
DEADLINE = 30


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker() as running:
        asyncio.run(create_topic(running))
        yield running


def test_a_record_comes_back(broker: Broker) -> None:
    asyncio.run(produce(broker, b"in"))

    assert asyncio.run(last_record(broker)) == b"in"


def test_topics_are_not_created_by_use(broker: Broker) -> None:
    with pytest.raises(KafkaError):
        asyncio.run(produce(broker, b"lost", topic="Misspelt", patience=2))


def test_restart_keeps_port_and_data(tmp_path: Path) -> None:
    with Broker(BrokerConfig(data=tmp_path / "data")) as broker:
        before = broker.bootstrap_servers
        asyncio.run(create_topic(broker))
        asyncio.run(produce(broker, b"kept"))

        broker.stop()
        assert not broker.running
        broker.start()

        assert broker.bootstrap_servers == before
        assert asyncio.run(last_record(broker)) == b"kept"


def test_data_outlives_the_broker_object(tmp_path: Path) -> None:
    with Broker(BrokerConfig(data=tmp_path)) as first:
        asyncio.run(create_topic(first))
        asyncio.run(produce(first, b"kept"))

    with Broker(BrokerConfig(data=tmp_path)) as second:
        assert asyncio.run(last_record(second)) == b"kept"


def test_starts_again_after_its_plug_was_pulled() -> None:
    with Broker() as broker:
        asyncio.run(create_topic(broker))
        asyncio.run(produce(broker, b"acknowledged"))

        broker.kill()
        assert not broker.running
        broker.start()

        assert asyncio.run(last_record(broker)) == b"acknowledged"


def test_a_paused_broker_answers_once_it_is_resumed() -> None:
    with Broker() as broker:
        asyncio.run(create_topic(broker))

        asyncio.run(produce_across_a_pause(broker, b"late"))

        assert asyncio.run(last_record(broker)) == b"late"


def test_a_paused_broker_can_be_stopped() -> None:
    with Broker() as broker:
        broker.pause()
        broker.stop()

        assert not broker.running


def test_temporary_data_is_gone_after_the_end() -> None:
    with Broker() as broker:
        directory = broker.directory
        assert directory.exists()

    assert not directory.exists()


def test_a_given_property_wins() -> None:
    properties = {"auto.create.topics.enable": "true"}
    with Broker(BrokerConfig(properties=properties)) as broker:
        asyncio.run(produce(broker, b"first", topic="New"))


def test_any_directory_will_do(tmp_path: Path) -> None:
    with Broker(BrokerConfig(data=tmp_path / "Schüler: №1 = #\\😀")) as broker:
        assert broker.running


def test_three_nodes_make_a_cluster_that_outlives_each_of_them(tmp_path: Path) -> None:
    # The last to stop has no quorum to take leave of, and must be killed.
    configs = [replace(config, stop_timeout=2) for config in cluster.plan(3, data=tmp_path)]
    with cluster.running(configs) as brokers:
        asyncio.run(create_topic(brokers[0], replication_factor=3))
        brokers[0].kill()

        asyncio.run(produce(brokers[1], b"replicated"))

        assert asyncio.run(last_record(brokers[2])) == b"replicated"
    with cluster.running(configs) as brokers:
        assert asyncio.run(last_record(brokers[0])) == b"replicated"


def test_java_ends_when_its_owner_is_killed() -> None:
    with owner_of_a_broker() as owner:
        pid, directory = int(line(owner)), Path(line(owner))
        ended = os.pidfd_open(pid)
        assert not select.select([ended], [], [], 0)[0]
        owner.kill()

    assert select.select([ended], [], [], DEADLINE)[0]
    os.close(ended)
    assert eventually(lambda: not directory.exists())


def test_ctrl_c_reaches_only_the_owner() -> None:
    with owner_of_a_broker() as owner:
        pid = int(line(owner))

        assert os.getpgid(pid) != os.getpgid(owner.pid)
        assert os.getsid(pid) != os.getsid(owner.pid)

        owner.kill()


def test_the_owners_thread_may_end_before_the_broker() -> None:
    broker = Broker()
    try:
        asyncio.run(asyncio.to_thread(broker.start))

        asyncio.run(create_topic(broker))
        assert broker.running
    finally:
        broker.close()


def test_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = BrokerConfig(node=Node.on_free_ports(port=port))

        with pytest.raises(KafkaStartError, match=f"port {port} .*already in use"):
            Broker(config).start()


def test_second_broker_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with (
        Broker(BrokerConfig(data=tmp_path)),
        pytest.raises(KafkaStartError, match="in use by another broker"),
    ):
        Broker(BrokerConfig(data=tmp_path)).start()


def test_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    data = tmp_path / "file" / "data"

    with pytest.raises(KafkaStartError, match="not writable") as caught:
        Broker(BrokerConfig(data=data)).start()

    assert str(data) in one_line(caught.value)


def test_bad_property_is_named_and_the_log_is_kept() -> None:
    broker = Broker(BrokerConfig(properties={"num.io.threads": "many"}))

    with pytest.raises(KafkaStartError, match=r"num\.io\.threads") as caught, broker:
        pass

    assert str(broker.log) in one_line(caught.value)
    assert broker.log.exists()
    shutil.rmtree(broker.directory)


def test_bad_jvm_option_is_named(tmp_path: Path) -> None:
    config = BrokerConfig(data=tmp_path, jvm_options=("-XX:+NoSuchOption",))

    with pytest.raises(KafkaStartError, match="NoSuchOption"):
        Broker(config).start()


async def create_topic(broker: Broker, *, replication_factor: int = 1) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(TOPIC, 1, replication_factor)])
    finally:
        await admin.close()


async def produce(broker: Broker, value: bytes, topic: str = TOPIC, patience: float = DEADLINE) -> None:
    async with producer_for(broker, patience) as producer:
        await producer.send_and_wait(topic, value)


async def produce_across_a_pause(broker: Broker, value: bytes) -> None:
    async with producer_for(broker, DEADLINE) as producer:
        broker.pause()
        acknowledged = await producer.send(TOPIC, value)
        done, _ = await asyncio.wait([acknowledged], timeout=1)
        assert not done
        broker.resume()
        await acknowledged


def producer_for(broker: Broker, patience: float) -> AIOKafkaProducer:
    return AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap_servers,
        enable_idempotence=True,
        request_timeout_ms=int(patience * 1000),
    )


async def last_record(broker: Broker) -> bytes | None:
    async with AIOKafkaConsumer(bootstrap_servers=broker.bootstrap_servers) as consumer:
        consumer.assign([PARTITION])
        end = (await consumer.end_offsets([PARTITION]))[PARTITION]
        consumer.seek(PARTITION, end - 1)
        record = await asyncio.wait_for(consumer.getone(), DEADLINE)
        value: bytes | None = record.value
        return value


def owner_of_a_broker() -> subprocess.Popen[str]:
    program = """
import signal
from rollcall_dev.kafka import Broker
with Broker() as broker:
    print(broker.pid)
    print(broker.directory, flush=True)
    signal.pause()
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + DEADLINE
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def one_line(error: Exception) -> str:
    (only,) = str(error).splitlines()
    return only
