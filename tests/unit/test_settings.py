import pytest

from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.errors import ConfigurationError
from rollcall_domain.service.settings import describe, load
from rollcall_producer.settings import ProducerSettings


def test_reads_numbers_and_switches_and_leaves_the_rest_at_its_default() -> None:
    settings = load(ConsumerSettings, {"ROLLCALL_PARTITIONS": "3", "ROLLCALL_LOG_RECORDS": "false", "HOME": "x"})
    assert (settings.partitions, settings.log_records) == (3, False)
    assert (settings.group, settings.port, settings.topic_prefix) == ("1", 8001, "")


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("ROLLCALL_PARTITIONS", "many", "expected `int`"),
        ("ROLLCALL_PARTITIONS", "0", "`int` >= 1"),
        ("ROLLCALL_TOPIC_PREFIX", "a/b", "has another form (put before the name of every topic"),
        ("ROLLCALL_TOPIC_PREFIX", "a\n", "has another form"),
        ("ROLLCALL_LOG_LEVEL", "loud", "must be one of debug, info, warning, error (the least level"),
        ("ROLLCALL_BOOTSTRAP_SERVERS", "", "has another form (Kafka's addresses, host:port"),
        ("ROLLCALL_BOOTSTRAP_SERVERS", "localhost", "has another form"),
        ("ROLLCALL_BOOTSTRAP_SERVERS", "localhost:abc", "has another form"),
        ("ROLLCALL_BOOTSTRAP_SERVERS", "http://localhost:9092", "has another form"),
        ("ROLLCALL_BOOTSTRAP_SERVERS", "a:1,", "has another form"),
        ("ROLLCALL_DEADLINE_SECONDS", "0", "`float` >= 0.1"),
        ("ROLLCALL_DEADLINE_SECONDS", "soon", "expected `float`"),
        ("ROLLCALL_PORTT", "1", "no such setting; is ROLLCALL_PORT meant?"),
        ("ROLLCALL_RATE", "1", "no such setting"),
    ],
)
def test_names_the_variable_that_is_wrong(name: str, value: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(ProducerSettings, {name: value})
    assert caught.value.name == name
    assert str(caught.value).startswith(f"{name}: ")
    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("servers", ["localhost:9092", "a.b:1,kafka_2:2", "[::1]:9092,10.0.0.1:9092"])
def test_takes_addresses_of_every_kind(servers: str) -> None:
    assert load(ConsumerSettings, {"ROLLCALL_BOOTSTRAP_SERVERS": servers}).bootstrap_servers == servers


@pytest.mark.parametrize("kind", [ProducerSettings, ConsumerSettings])
def test_describes_every_setting(kind: type[ProducerSettings | ConsumerSettings]) -> None:
    described = describe(kind)
    assert described.count("\n") + 1 == len(kind.__struct_fields__)
    assert "ROLLCALL_BOOTSTRAP_SERVERS  Kafka's addresses" in described
