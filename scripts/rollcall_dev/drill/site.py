"""A cluster, with all that belongs to it."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rollcall_dev.chaos.api import Api
from rollcall_dev.chaos.cluster import cluster
from rollcall_dev.chaos.record.fleet import Fleet
from rollcall_dev.chaos.record.stage import Stage
from rollcall_dev.kafka import Broker
from rollcall_domain.topics import STUDENT


@dataclass
class Site:
    """A cluster.

    Attributes:
        brokers: Its nodes.
        stage: The cluster as an operator sees it, with all topics.
        fleet: Its workers.
        api: An API for it, which is not started.
    """

    brokers: Sequence[Broker]
    stage: Stage
    fleet: Fleet
    api: Api

    @property
    def student(self) -> str:
        """The name of the topic `Student`."""
        return self.stage.settings.topic_name(STUDENT)


@contextlib.asynccontextmanager
async def site(logs: Path, brokers: int, workers: int = 1, number: int = 0) -> AsyncIterator[Site]:
    """Run a cluster with workers.

    Args:
        logs: The directory for what services log.
        brokers: How many nodes it has.
        workers: How many workers.
        number: Which one it is, counted from 0, if there are several.
    """
    async with contextlib.AsyncExitStack() as parts:
        nodes = parts.enter_context(cluster(brokers))
        servers = ",".join(broker.bootstrap_servers for broker in nodes)
        stage = Stage(servers, {"replication": brokers})
        await stage.set_up()
        api = Api(servers, {"replication": brokers}, logs / "api.log", number=number)
        parts.push_async_callback(api.end)
        fleet = await parts.enter_async_context(Fleet(stage, logs))
        await fleet.scale(workers)
        yield Site(nodes, stage, fleet, api)
