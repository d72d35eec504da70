import asyncio

import pytest

from rollcall_dev.kafka import Broker, BrokerConfig, Node
from rollcall_producer import kafka
from rollcall_producer.errors import BusyError, DeliveryError, NotWrittenError, OutcomeUnknownError
from rollcall_producer.lanes import LEAST_LIMIT
from rollcall_producer.update import Update
from support.log import read_all
from support.services import PATIENCE, Environment
from support.writer import until, writing

UPDATE = Update("x" * 64, "LoggedIn")
UPDATES = [Update(f"s-{number}", "LoggedIn") for number in range(60)]


async def test_a_lane_holds_a_bounded_amount_and_writes_all_that_it_took() -> None:
    with Broker() as broker:
        environment = Environment(broker.bootstrap_servers, "")
        async with writing(environment, deadline=60) as lanes:
            await lanes.write(UPDATE)
            broker.pause()
            writes = [asyncio.create_task(lanes.write(UPDATE)) for _ in range(30_000)]
            refused, waiting = await asyncio.wait(writes, return_when=asyncio.FIRST_COMPLETED)
            errors = [write.exception() for write in refused]
            assert all(isinstance(error, BusyError) and error.retry_after >= 1 for error in errors)
            broker.resume()
            await asyncio.wait(waiting)
        accepted = 1 + sum(write.exception() is None for write in writes)
        size = 64 + len('{"StudentId":"","State":0}') + 64 + 34
        assert LEAST_LIMIT < accepted * size < 2 * LEAST_LIMIT
        assert len(await read_all(environment.servers, environment.student)) == accepted


async def test_room_comes_back_when_callers_give_up() -> None:
    with Broker() as broker:
        environment = Environment(broker.bootstrap_servers, "")
        async with writing(environment, deadline=1) as lanes:
            await lanes.write(UPDATE)
            broker.pause()
            for _ in range(2):
                outcomes = await asyncio.gather(*(lanes.write(UPDATE) for _ in range(4000)), return_exceptions=True)
                assert {type(outcome) for outcome in outcomes} <= {NotWrittenError, OutcomeUnknownError}
                assert not any("too many" in str(outcome) for outcome in outcomes)
            broker.resume()


async def test_a_client_that_a_frozen_kafka_has_stalled_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "STALL", 0.5)
    with Broker() as broker:
        environment = Environment(broker.bootstrap_servers, "")
        async with writing(environment, deadline=1) as lanes:
            await asyncio.gather(*map(lanes.write, UPDATES))
            broker.pause()
            outcomes = await asyncio.gather(*map(lanes.write, UPDATES), return_exceptions=True)
            assert all(isinstance(outcome, DeliveryError) for outcome in outcomes)
            await until(lambda: "can't use Kafka" in str(lanes.fault()))
            broker.resume()
            await until(lambda: lanes.fault() is None)
            await asyncio.gather(*map(lanes.write, UPDATES))


async def test_partitions_with_a_leader_are_served_while_another_has_none() -> None:
    nodes = tuple(Node.on_free_ports(number) for number in (1, 2, 3))
    brokers = [Broker(BrokerConfig(node=node, voters=nodes, stop_timeout=2)) for node in nodes]
    try:
        for broker in brokers:
            broker.launch()
        for broker in brokers:
            await asyncio.to_thread(broker.wait_ready)
        environment = Environment(brokers[0].bootstrap_servers, "")
        async with writing(environment, deadline=3) as lanes:
            await asyncio.gather(*map(lanes.write, UPDATES))
            brokers[2].kill()
            shares = []
            for _ in range(4):
                outcomes = await asyncio.gather(*map(lanes.write, UPDATES), return_exceptions=True)
                shares.append(outcomes.count(None) / len(UPDATES))
            assert min(shares[1:]) > 0.3
            await asyncio.to_thread(brokers[2].start)
            async with asyncio.timeout(PATIENCE):
                while any(await asyncio.gather(*map(lanes.write, UPDATES), return_exceptions=True)):
                    pass
    finally:
        for broker in brokers:
            broker.close()


async def test_an_update_is_not_written_while_there_is_no_kafka() -> None:
    environment = Environment("127.0.0.1:1", "")
    async with writing(environment, deadline=0.2, connected=False) as lanes:
        assert lanes.fault() is not None
        with pytest.raises(NotWrittenError, match=r"within 0\.2 s; nothing was written"):
            await lanes.write(UPDATE)
        assert "no connection" in str(lanes.fault())
