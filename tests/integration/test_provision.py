import asyncio

import pytest
from aiokafka.errors import KafkaError
from confluent_kafka.admin import AdminClient, ConfigResource  # type: ignore[attr-defined]

from rollcall_domain.errors import TopicMismatchError
from rollcall_domain.service.provision import count_partitions, ensure_topics
from rollcall_domain.topics import DEAD_LETTERS, STUDENT
from support.log import create_topic, list_topics
from support.services import Environment


async def test_services_that_start_together_all_find_topics_as_declared(environment: Environment) -> None:
    settings = environment.producer(partitions=3)
    await asyncio.gather(*(ensure_topics([STUDENT, DEAD_LETTERS], settings) for _ in range(8)))
    names = [settings.topic_name(topic) for topic in (STUDENT, DEAD_LETTERS)]
    assert [await count_partitions(name, settings) for name in names] == [3, 3]
    resource = ConfigResource(ConfigResource.Type.TOPIC, environment.student)
    client = AdminClient({"bootstrap.servers": environment.servers})
    configuration = client.describe_configs([resource])[resource].result()
    assert {name: configuration[name].value for name in STUDENT.settings} == STUDENT.settings
    assert configuration["min.insync.replicas"].value == "1"


async def test_a_topic_of_another_partition_count_is_refused(environment: Environment) -> None:
    await create_topic(environment.servers, environment.student, 2)
    with pytest.raises(TopicMismatchError, match="has 2 partitions and not 6: set ROLLCALL_PARTITIONS=2") as caught:
        await ensure_topics([STUDENT], environment.producer())
    assert (caught.value.topic, caught.value.expected, caught.value.found) == (environment.student, 6, 2)


async def test_counting_partitions_brings_nothing_into_being(environment: Environment) -> None:
    settings = environment.consumer()
    assert await count_partitions(settings.topic_name(STUDENT), settings) == 0
    assert environment.student not in await list_topics(environment.servers)


async def test_a_refusal_by_kafka_names_the_topic(environment: Environment) -> None:
    with pytest.raises(KafkaError, match=f"topic {environment.student} could not be created: .*replication"):
        await ensure_topics([STUDENT], environment.producer(replication=99))
