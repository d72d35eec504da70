"""Topics at start: what a service needs exists, laid out as declared, before its first record."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import NoError, TopicAlreadyExistsError, TopicAuthorizationFailedError, for_code

from rollcall_domain.errors import TopicMismatchError
from rollcall_domain.service.connection import administering
from rollcall_domain.service.settings import ServiceSettings
from rollcall_domain.topics import Topic

log = structlog.get_logger()

_PATIENCE = 30.0
"""Seconds for one try; a cluster that takes longer is not well, and the caller says so and tries again."""


def topic_name(topic: Topic, settings: ServiceSettings) -> str:
    """Name a topic in full, as a service with these settings sees it."""
    return settings.topic_name(topic)


async def ensure_topics(topics: Sequence[Topic], settings: ServiceSettings) -> None:
    """Make sure that topics exist. Any number of services may do so at the same time.

    A topic that exists already keeps its settings: an operator may have had reasons. A new one takes a record only
    where all replicas but one have it, so that what is acknowledged outlives the loss of any broker; and it has a
    leader for each partition on return.

    Raises:
        TopicMismatchError: A topic exists with another number of partitions.
        KafkaError: Kafka can't be reached, or refuses. It may do better on another try.
        TimeoutError: Kafka did not get it done. It may do better on another try.
    """
    async with _administering(settings) as admin:
        created = await _create_missing(admin, topics, settings)
        await _await_leaders(admin, created)
        await _check_layout(admin, {topic_name(topic, settings): _partitions(topic, settings) for topic in topics})


async def delete_topics(topics: Sequence[Topic], settings: ServiceSettings) -> None:
    """Delete those of the topics that exist, with all that is on them.

    Raises:
        KafkaError: Kafka can't be reached, or refuses.
        TimeoutError: Kafka did not get it done.
    """
    async with _administering(settings) as admin:
        existing = set(await admin.list_topics())
        names = [name for topic in topics if (name := topic_name(topic, settings)) in existing]
        if not names:
            return
        response = await admin.delete_topics(names)
        for name, code in response.topic_error_codes:
            if for_code(code) is not NoError:
                raise for_code(code)(name)
            log.info("Deleted topic", topic=name)


async def count_partitions(name: str, settings: ServiceSettings) -> int:
    """Count the partitions of a topic, without bringing it into being.

    Args:
        name: The topic's full name.
        settings: Where Kafka is.

    Returns:
        The number of partitions; 0 if there is no such topic.

    Raises:
        KafkaError: Kafka can't be reached, or refuses.
        TimeoutError: Kafka did not answer.
    """
    async with _administering(settings) as admin:
        if name not in await admin.list_topics():
            return 0
        (described,) = await admin.describe_topics([name])
        return len(described["partitions"])


async def largest_batch(topic: Topic, settings: ServiceSettings) -> int | None:
    """Find out how many bytes a batch of records may have: the topic's `max.message.bytes`.

    Returns:
        The number, or None if we may not ask.

    Raises:
        KafkaError: Kafka can't be reached, or refuses.
        TimeoutError: Kafka did not answer.
    """
    resource = ConfigResource(ConfigResourceType.TOPIC, topic_name(topic, settings), {"max.message.bytes": None})
    async with _administering(settings) as admin:
        (response,) = await admin.describe_configs([resource])
    code, message, _, _, entries = response.resources[0]
    error = for_code(code)
    if error is TopicAuthorizationFailedError:
        return None
    if error is not NoError:
        raise error(message)
    return int(entries[0][1])


@asynccontextmanager
async def _administering(settings: ServiceSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    async with (
        asyncio.timeout(_PATIENCE),
        administering(settings, "rollcall-topics", request_timeout_ms=10_000) as admin,
    ):
        yield admin


async def _create_missing(admin: AIOKafkaAdminClient, topics: Sequence[Topic], settings: ServiceSettings) -> list[str]:
    existing = set(await admin.list_topics())
    missing = [topic for topic in topics if topic_name(topic, settings) not in existing]
    if not missing:
        return []
    response = await admin.create_topics(
        [
            NewTopic(
                name=topic_name(topic, settings),
                num_partitions=_partitions(topic, settings),
                replication_factor=settings.replication,
                topic_configs={**topic.settings, "min.insync.replicas": str(max(1, settings.replication - 1))},
            )
            for topic in missing
        ]
    )
    counts = {topic_name(topic, settings): _partitions(topic, settings) for topic in missing}
    for name, code, message in response.topic_errors:
        error = for_code(code)
        if error is NoError:
            log.info("Created topic", topic=name, partitions=counts[name], replication=settings.replication)
        elif error is TopicAuthorizationFailedError:
            raise error(f"{name}, which we may neither describe nor create")
        elif error is not TopicAlreadyExistsError:
            raise error(f"topic {name} could not be created: {message}")
    return [name for name, *_ in response.topic_errors]


async def _await_leaders(admin: AIOKafkaAdminClient, names: list[str]) -> None:
    while names and not all(map(_is_led, await admin.describe_topics(names))):  # noqa: ASYNC110 - can only be asked
        await asyncio.sleep(0.1)


def _is_led(topic: dict[str, Any]) -> bool:
    if topic["error_code"] == TopicAuthorizationFailedError.errno:
        raise TopicAuthorizationFailedError(topic["topic"])
    return topic["error_code"] == 0 and all(partition["leader"] >= 0 for partition in topic["partitions"])


def _partitions(topic: Topic, settings: ServiceSettings) -> int:
    return topic.partitions or settings.partitions


async def _check_layout(admin: AIOKafkaAdminClient, partitions: Mapping[str, int]) -> None:
    for topic in await admin.describe_topics([*partitions]):
        name, found = topic["topic"], len(topic["partitions"])
        if topic["error_code"]:
            raise for_code(topic["error_code"])(name)
        if found != partitions[name]:
            raise TopicMismatchError(name, partitions[name], found)
