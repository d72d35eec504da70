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
        ("ROLLCALL_TOPIC_PREFIX", "a/b", "matching regex"),
        ("ROLLCALL_LOG_LEVEL", "loud", "invalid enum value"),
        ("ROLLCALL_BOOTSTRAP_SERVERS", "", "length >= 1"),
        ("ROLLCALL_DEADLINE_SECONDS", "soon", "expected `float`"),
        ("ROLLCALL_PORTT", "1", "no such setting; is ROLLCALL_PORT meant?"),
        ("ROLLCALL_GROUP", "1", "no such setting"),
    ],
)
def test_names_the_variable_that_is_wrong(name: str, value: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(ProducerSettings, {name: value})
    assert caught.value.name == name
    assert str(caught.value).startswith(f"{name}: ")
    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", [ProducerSettings, ConsumerSettings])
def test_describes_every_setting(kind: type[ProducerSettings | ConsumerSettings]) -> None:
    described = describe(kind)
    assert described.count("\n") + 1 == len(kind.__struct_fields__)
    assert "ROLLCALL_BOOTSTRAP_SERVERS  Kafka's addresses" in described
