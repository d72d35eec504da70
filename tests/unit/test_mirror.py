"""What the mirror is told: one topic, one way, in order, and nothing that is left open."""

import re

from rollcall_dev.kafka.config import MirrorConfig, mirror_environment
from rollcall_dev.kafka.jars import KAFKA_VERSION, MIRROR_NEEDS, MIRROR_PINS, pinned
from rollcall_dev.kafka.mirror import PROPERTIES

PLACEHOLDER = re.compile(r"\$\{env:(\w+)\}")


def told(config: MirrorConfig) -> dict[str, str]:
    """Read the file as MirrorMaker does, with what is set for it."""
    lines = [line for line in PROPERTIES.read_text().splitlines() if line and not line.startswith("#")]
    environ = mirror_environment(config)
    pairs = (line.split("=", 1) for line in lines)
    return {key: PLACEHOLDER.sub(lambda found: environ[found[1]], value) for key, value in pairs}


def test_all_that_the_file_takes_from_the_environment_is_set() -> None:
    wanted = set(PLACEHOLDER.findall(PROPERTIES.read_text()))
    assert wanted == set(mirror_environment(MirrorConfig(source="one:9092", target="two:9092")))


def test_one_topic_is_copied_one_way_under_its_name() -> None:
    properties = told(MirrorConfig(source="one:9092", target="two:9092", topic_prefix="school."))
    assert properties["first.bootstrap.servers"] == "one:9092"
    assert properties["second.bootstrap.servers"] == "two:9092"
    assert [key for key in properties if key.endswith(">second.enabled")] == ["first->second.enabled"]
    assert not [key for key in properties if key.startswith("second->first")]
    assert properties["replication.policy.class"].endswith(".IdentityReplicationPolicy")
    assert re.fullmatch(properties["topics"], "school.Student")
    for other in ("Student", "school.Student.State", "school.Student.Inbox", "other.school.Student"):
        assert not re.fullmatch(properties["topics"], other)


def test_environments_do_not_share_what_the_mirror_keeps() -> None:
    kept = ("second.group.id", "config.storage.topic", "offset.storage.topic", "status.storage.topic")
    one, other = (
        told(MirrorConfig(source="one:9092", target="two:9092", topic_prefix=prefix)) for prefix in ("", "school.")
    )
    assert {one[name] for name in kept}.isdisjoint(other[name] for name in kept)


def test_order_and_durability_are_kept() -> None:
    properties = told(MirrorConfig(source="one:9092", target="two:9092"))
    assert properties["second.producer.acks"] == "all"
    assert properties["second.producer.enable.idempotence"] == "true"
    assert int(properties["second.producer.max.in.flight.requests.per.connection"]) <= 5
    assert properties["first.consumer.isolation.level"] == "read_committed"


def test_nothing_is_written_into_the_first_cluster() -> None:
    properties = told(MirrorConfig(source="one:9092", target="two:9092"))
    for emitted in ("checkpoints", "offset-syncs", "heartbeats"):
        assert properties[f"emit.{emitted}.enabled"] == "false"


def test_topics_of_the_second_cluster_have_the_copies_that_it_can_have() -> None:
    properties = told(MirrorConfig(source="one:9092", target="two:9092", replication=3))
    assert {value for key, value in properties.items() if key.endswith("replication.factor")} == {"3"}
    excluded = properties["config.properties.exclude"].replace("\\\\", "\\").split(",")
    assert any(re.fullmatch(pattern, "min.insync.replicas") for pattern in excluded)
    assert not any(re.fullmatch(pattern, "retention.ms") for pattern in excluded)


def test_exactly_once_is_a_choice() -> None:
    plain, exact = (
        told(MirrorConfig(source="one:9092", target="two:9092", exactly_once=choice)) for choice in (False, True)
    )
    assert plain["second.exactly.once.source.support"] == "disabled"
    assert exact["second.exactly.once.source.support"] == "enabled"


def test_its_jars_are_pinned_beside_those_of_kafka() -> None:
    jars = pinned(MIRROR_PINS)
    assert {jar.artifact for jar in jars} == {*MIRROR_NEEDS}
    assert {jar.version for jar in jars if jar.group == "org.apache.kafka"} == {KAFKA_VERSION}
    assert not {(jar.group, jar.artifact) for jar in jars} & {(jar.group, jar.artifact) for jar in pinned()}
