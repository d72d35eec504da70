"""What a worker reads of a log that others have written in their own ways."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer

from support.folds import SOURCE, Line
from support.services import Environment


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_records_that_others_have_compressed_are_read(environment: Environment, codec: str) -> None:
    line = await Line(environment).create()
    async with AIOKafkaProducer(bootstrap_servers=line.servers, compression_type=codec) as client:
        sent = [await client.send(line.name(SOURCE), value, partition=0) for value in (b"a", b"b", b"a")]
        await asyncio.gather(*sent)
    await line.run()
    assert await line.seen() == [b"a=1", b"b=1", b"a=2"]


async def test_records_of_a_transaction_that_was_given_up_have_no_effect(environment: Environment) -> None:
    line = await Line(environment).create()
    async with AIOKafkaProducer(bootstrap_servers=line.servers, transactional_id=line.name(SOURCE)) as client:
        for value, end in zip((b"a", b"b") * 2, (client.commit_transaction, client.abort_transaction) * 2, strict=True):
            await client.begin_transaction()
            await client.send_and_wait(line.name(SOURCE), value, partition=0)
            await end()
    await line.run()
    assert await line.seen() == [b"a=1", b"a=2"]
