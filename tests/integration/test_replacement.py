"""Kafka clients that have to be replaced, or that can't be had."""

import asyncio
import gc

import pytest
from aiokafka.cluster import ClusterMetadata

from rollcall_dev.chaos.cluster import cluster
from rollcall_dev.chaos.network import Network
from rollcall_dev.kafka import Broker, ports
from rollcall_producer import journal, kafka, metrics
from rollcall_producer.errors import DeliveryError, OutcomeUnknownError
from rollcall_producer.update import Update
from support.log import configure_topic, delete_topic, read_all
from support.services import PATIENCE, Environment
from support.writer import Writer, until, writing

UPDATES = [Update(f"s-{number}", "LoggedIn") for number in range(60)]


async def _write_all(writer: Writer) -> list[BaseException | None]:
    outcomes = await asyncio.gather(*map(writer.write, UPDATES), return_exceptions=True)
    assert all(outcome is None or isinstance(outcome, DeliveryError) for outcome in outcomes)
    return outcomes


async def _until_all_are_written(writer: Writer) -> None:
    async with asyncio.timeout(PATIENCE):
        while any(await _write_all(writer)):
            pass


async def test_asks_for_metadata_now_and_then_while_there_is_no_topic(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = []
    update = ClusterMetadata.update_metadata
    monkeypatch.setattr(ClusterMetadata, "update_metadata", lambda *given: answers.append(update(*given)))
    async with writing(environment, deadline=5) as writer:
        await _until_all_are_written(writer)
        await delete_topic(environment.servers, environment.student)
        begin = len(answers)
        await _until_all_are_written(writer)
    assert len(answers) - begin < 100


async def test_a_client_that_does_not_find_the_topic_is_stopped(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    async def pass_by(*_: object) -> None:
        """Do as if the topic had been there, and was deleted just now."""
        tries.append(_)

    async with writing(environment, deadline=1, connected=False, deadline_seconds=0.2) as writer:
        with monkeypatch.context() as patched:
            patched.setattr(journal, "ensure_topics", pass_by)
            patched.setattr(journal, "largest_batch", pass_by)
            await until(lambda: len(tries) > 8)
            assert "UnknownTopicOrPartition" in str(writer.fault())
        await until(lambda: writer.fault() is None)
        assert sum("_sender_routine" in repr(task) for task in asyncio.all_tasks()) == 1


async def test_an_update_that_comes_when_the_topic_is_gone_does_not_block_its_partition(
    environment: Environment,
) -> None:
    async with writing(environment, deadline=5) as writer:
        await _until_all_are_written(writer)
        await delete_topic(environment.servers, environment.student)
        first = asyncio.create_task(writer.write(UPDATES[0]))
        await until(lambda: writer.leader(0) is None)
        assert any(await _write_all(writer))
        await asyncio.wait([first])
        await _until_all_are_written(writer)


async def test_a_limit_that_was_lowered_costs_one_client_however_many_batches_are_beyond_it(
    environment: Environment,
) -> None:
    update = Update("x" * 250, "LoggedIn")
    async with writing(environment, deadline=20) as writer:
        await writer.write(update)
        configure_topic(environment.servers, environment.student, "max.message.bytes", "100000")
        before = metrics.registry.get_sample_value("rollcall_client_replacements_total") or 0
        await asyncio.gather(*(writer.write(update) for _ in range(1600)))
        assert metrics.registry.get_sample_value("rollcall_client_replacements_total") == before + 1
    assert len(await read_all(environment.servers, environment.student)) == 1601


async def test_a_batch_is_not_refused_if_an_earlier_try_may_have_been_written() -> None:
    update = Update("x" * 250, "LoggedIn")
    async with Network(ports.choose()) as network:
        with cluster(1, network) as (broker,):
            environment = Environment(network.bootstrap_servers, "")
            async with writing(environment, deadline=20) as writer:
                await writer.write(update)
                network.lose_answers()
                writes = [asyncio.create_task(writer.write(update)) for _ in range(20)]
                while len(await read_all(broker.bootstrap_servers, environment.student)) == 1:
                    pass
                configure_topic(broker.bootstrap_servers, environment.student, "max.message.bytes", "1000")
                network.cut()
                outcomes = await asyncio.gather(*writes, return_exceptions=True)
                assert {type(outcome) for outcome in outcomes} == {OutcomeUnknownError}
                await writer.write(update)
            assert len(await read_all(broker.bootstrap_servers, environment.student)) == 1 + 20 + 1


async def test_leaves_nothing_behind_of_a_client_that_gave_up_a_batch(
    environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    async with writing(environment, deadline=5) as writer:
        await _until_all_are_written(writer)
        await delete_topic(environment.servers, environment.student)
        await _until_all_are_written(writer)
    gc.collect()
    assert "Task was destroyed" not in caplog.text


async def test_gives_up_a_client_while_it_waits_for_kafka_to_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "PULSE", 0.1)
    monkeypatch.setattr(kafka, "STALL", 0.5)
    with Broker() as broker:
        environment = Environment(broker.bootstrap_servers, "")
        async with writing(environment, deadline=1, deadline_seconds=120) as writer:
            await _until_all_are_written(writer)
            broker.pause()
            assert any(await _write_all(writer))
            await until(lambda: "is being replaced" in str(writer.fault()))
            broker.resume()
            await _until_all_are_written(writer)


async def test_replaces_a_client_whose_tasks_have_ended(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = ClusterMetadata.update_metadata

    def fail_once(*_: object) -> None:
        monkeypatch.setattr(ClusterMetadata, "update_metadata", update)
        raise RuntimeError("an error that aiokafka does not foresee")

    async with writing(environment, deadline=5) as writer:
        await _until_all_are_written(writer)
        await delete_topic(environment.servers, environment.student)
        monkeypatch.setattr(ClusterMetadata, "update_metadata", fail_once)
        assert any(await _write_all(writer))
        await _until_all_are_written(writer)
