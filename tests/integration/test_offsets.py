"""Where work goes on, and where it can't."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer
from structlog.testing import capture_logs

from rollcall_domain.errors import TopicMismatchError
from rollcall_domain.topics import Topic
from support.folds import COUNTS, INBOX, SEEN, SOURCE, Line
from support.log import create_topic, delete_records
from support.services import Environment


async def test_an_offset_beyond_the_end_is_told_and_nothing_is_done(environment: Environment) -> None:
    line = await Line(environment).create()
    await line.write(b"a", b"b")
    await line.commit(7)
    async with line.working() as work:
        await work.fault("partition 0: ")
        reason = f"{line.name(SOURCE)}-0 ends at 2, and work was done up to 7: the topic was made anew"
        assert reason in (work.worker.ready() or "")
        assert work.worker.live() is None
        await line.write(b"c", partition=1)
        assert await line.sees(1) == [b"c=1"]
    assert await line.offset() == 7


async def test_records_that_are_gone_are_told_of_and_work_goes_on_behind_them(environment: Environment) -> None:
    line = await Line(environment).create()
    await line.write(b"a", b"b")
    await line.run()
    await line.write(b"c", b"d", b"e")
    delete_records(line.servers, line.name(SOURCE), 0, before=4)
    with capture_logs() as logs:
        await line.run()
    assert await line.seen() == [b"a=1", b"b=1", b"e=1"]
    (gone,) = [entry for entry in logs if "Records are gone" in entry["event"]]
    assert (gone["log_level"], gone["records"], gone["partition"]) == ("error", 2, 0)


@pytest.mark.parametrize("topic", [SOURCE, INBOX, COUNTS, SEEN], ids=lambda topic: topic.name)
async def test_a_topic_of_more_partitions_is_refused_in_one_line(environment: Environment, topic: Topic) -> None:
    line = Line(environment)
    await create_topic(line.servers, line.name(topic), 8)
    with pytest.RaisesGroup(pytest.RaisesExc(TopicMismatchError, match="has 8 partitions and not 6")):
        await line.run()


async def test_a_transaction_that_nobody_ended_leaves_nothing_behind(environment: Environment) -> None:
    line = await Line(environment).create()
    await line.write(b"a")
    async with AIOKafkaProducer(
        bootstrap_servers=line.servers, transactional_id=f"{line.settings.group_id}-test-0"
    ) as killed:
        await killed.begin_transaction()
        await killed.send_and_wait(line.name(SEEN), b"left open", partition=0)
        async with asyncio.timeout(20):  # and not for as long as Kafka waits for somebody to go on with it
            await line.run()
        await killed.client.close()  # as somebody who is gone
    assert await line.seen() == [b"a=1"]
