import asyncio

import pytest
import uvloop
from aiokafka.conn import AIOKafkaConnection, create_conn
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from rollcall_dev.chaos.network import Network
from rollcall_domain.service.connection import client_options
from support.services import Environment


async def _send_until_it_fails(connection: AIOKafkaConnection) -> None:
    answers = []
    try:
        while True:
            answers.append(asyncio.ensure_future(connection.send(MetadataRequest([]))))
            await asyncio.sleep(0)
    finally:
        await asyncio.gather(*answers, return_exceptions=True)


def test_what_is_sent_on_a_connection_just_as_it_breaks_finds_it_broken(environment: Environment) -> None:
    options = client_options(environment.producer(), "test")

    async def send_as_it_breaks() -> None:
        async with Network(int(environment.servers.rpartition(":")[2])) as network:
            connection = await create_conn("127.0.0.1", network.port, client_id=options["client_id"])
            network.cut()
            with pytest.raises(KafkaConnectionError):
                await _send_until_it_fails(connection)

    for _ in range(20):
        uvloop.run(send_as_it_breaks())
