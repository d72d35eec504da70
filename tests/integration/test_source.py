"""What a worker reads of a broker whose host vanishes."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from rollcall_dev.chaos.cluster import cluster
from rollcall_dev.chaos.network import Network
from rollcall_dev.kafka import ports
from rollcall_domain.service import source
from rollcall_domain.service.source import Source
from support.log import create_topic
from support.services import PATIENCE, Environment

ANSWER_LIMIT = 1.0
"""Seconds, in place of those that it is worth to wait for a broker that may be far away."""


async def _values(reading: Source) -> AsyncIterator[bytes | None]:
    while True:
        await reading.wait(PATIENCE)
        for portion in reading.take():
            for records in portion.pieces(1):
                yield records[0].value


async def test_an_answer_of_a_host_that_has_vanished_is_soon_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "ANSWER_LIMIT", ANSWER_LIMIT)
    async with Network(ports.choose()) as network:
        with cluster(1, network) as (broker,):
            environment = Environment(network.bootstrap_servers, "")
            partition = TopicPartition(environment.student, 0)
            await create_topic(broker.bootstrap_servers, environment.student, 1)
            async with (
                AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers) as writer,
                Source(environment.consumer(), "test", [environment.student]) as reading,
            ):
                reading.read({partition: 0})
                values = _values(reading)
                await writer.send_and_wait(environment.student, b"before", partition=0)
                assert await anext(values) == b"before"
                network.forget()
                await writer.send_and_wait(environment.student, b"after", partition=0)
                async with asyncio.timeout(PATIENCE / 2):
                    assert await anext(values) == b"after"
                    network.forget()
                    assert await reading.bounds([partition]) == {partition: (0, 2)}
