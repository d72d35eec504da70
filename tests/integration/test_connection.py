import asyncio
import socket

import pytest
import uvloop
from aiokafka.conn import AIOKafkaConnection, create_conn
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from rollcall_dev.chaos.network import Network
from rollcall_domain.service import breakage
from rollcall_domain.service.connection import client_options
from support.services import PATIENCE, Environment


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


@pytest.mark.parametrize("listens", [True, False])
def test_a_host_that_says_nothing_is_soon_given_up(listens: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001 - a parameter
    monkeypatch.setattr(breakage, "CONNECT_LIMIT", 0.2)

    async def connect(port: int) -> None:
        async with asyncio.timeout(PATIENCE) as limit:
            with pytest.raises(TimeoutError):
                await create_conn("127.0.0.1", port)
        assert not limit.expired()

    with socket.create_server(("127.0.0.1", 0), backlog=1 if listens else 0) as silent, socket.socket() as queued:
        address = silent.getsockname()
        if not listens:
            queued.connect(address)  # after which nobody else is let in
        uvloop.run(connect(address[1]))
