"""Where a run takes place: a cluster, and the topics of an environment there."""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiokafka.errors import KafkaError
from confluent_kafka import IsolationLevel, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from rollcall_consumer.pipelines import PIPELINES
from rollcall_consumer.runtime.pipeline import Pipeline
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.service.provision import ensure_topics
from rollcall_domain.service.settings import env_name, load
from rollcall_domain.topics import ACTIVITY, ALERTS, DEAD_LETTERS, INBOX, STATE, STUDENT

TOPICS = (STUDENT, INBOX, STATE, ACTIVITY, ALERTS, DEAD_LETTERS)
"""What the pipeline `record` reads or writes."""

DERIVED = (INBOX, STATE, ACTIVITY, ALERTS, DEAD_LETTERS)
"""What it writes."""

SETTLED_WITHIN = 60.0
"""Seconds after the last fault within which there is no lag any more."""

LOOK = 0.25
"""Seconds between looks at the cluster."""

ANSWER_LIMIT = 20.0
"""Seconds for the cluster to answer."""

PATIENCE = 2 * ANSWER_LIMIT
"""Seconds after which the client will not tell of an answer any more."""


class Stage:
    """A cluster, and an environment's topics there.

    Args:
        servers: The cluster's bootstrap servers.
        settings: The consumer's settings, by their names in lower case.
        pipeline: Whose topics they are.

    Attributes:
        servers: The cluster's bootstrap servers.
        pipeline: Whose topics they are.
        settings: The consumer's settings, as the pipeline has them.
        given: Those that were given.
    """

    def __init__(self, servers: str, settings: Mapping[str, object], pipeline: Pipeline = PIPELINES["record"]) -> None:
        self.servers = servers
        self.pipeline = pipeline
        self.given = {"log_records": False, **settings}
        variables = {env_name(name): str(value) for name, value in {**self.given, "bootstrap_servers": servers}.items()}
        self.settings = pipeline.settings(load(ConsumerSettings, variables))

    def _admin(self) -> AdminClient:
        """Make a client of the cluster; one that is kept may hold a partition's old leader for the present one.

        Whoever asks something has to hold it until it is answered.
        """
        return AdminClient({"bootstrap.servers": self.servers, "log_level": 0})

    @property
    def topics(self) -> list[str]:
        """The names of all topics that the pipeline reads or writes."""
        return [self.settings.topic_name(topic) for topic in self.pipeline.topics]

    @property
    def derived(self) -> list[str]:
        """The names of those that `record` writes."""
        return [self.settings.topic_name(topic) for topic in DERIVED]

    async def set_up(self) -> None:
        """Make the topics."""
        async with asyncio.timeout(SETTLED_WITHIN):
            while True:
                try:
                    return await ensure_topics(self.pipeline.topics, self.settings)
                except KafkaError:  # not every broker has heard of them yet
                    await asyncio.sleep(LOOK)

    async def copied(self) -> None:
        """Wait until each partition has all of its copies in sync."""
        async with asyncio.timeout(SETTLED_WITHIN):
            while not await asyncio.to_thread(self._is_copied):  # noqa: ASYNC110 - it can only be asked
                await asyncio.sleep(LOOK)

    def _is_copied(self) -> bool:
        names = [*self.topics, "__consumer_offsets", "__transaction_state"]
        admin = self._admin()
        described: Mapping[str, Any] = admin.describe_topics(TopicCollection(names), request_timeout=ANSWER_LIMIT)
        try:
            topics = [future.result(PATIENCE) for future in described.values()]
        except (KafkaException, TimeoutError):  # one that is not there yet, or a broker that is not
            return False
        return all(len(part.isr) == len(part.replicas) for topic in topics for part in topic.partitions)

    async def open_transactions(self) -> list[str]:
        """Name the partitions of which something is not committed or undone yet."""
        return await asyncio.to_thread(self._open_transactions)

    def _open_transactions(self) -> list[str]:
        try:
            committed = self._ends(IsolationLevel.READ_COMMITTED)
            all_ = self._ends(IsolationLevel.READ_UNCOMMITTED)
        except (KafkaException, TimeoutError) as error:  # as where the leader is another one meanwhile
            return [f"nobody knows: {error}"]
        return [f"{topic}-{index}" for (topic, index), end in all_.items() if committed[topic, index] < end]

    def _ends(self, level: IsolationLevel) -> dict[tuple[str, int], int]:
        count = self.settings.partitions
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        wanted = {TopicPartition(topic, index): latest for topic in self.topics for index in range(count)}
        admin = self._admin()
        found = admin.list_offsets(wanted, isolation_level=level, request_timeout=ANSWER_LIMIT)
        return {(place.topic, place.partition): future.result(PATIENCE).offset for place, future in found.items()}
