"""What a pipeline is to the runtime: topics that are read and written, and the work on each partition of them."""

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Protocol

from prometheus_client.core import GaugeMetricFamily

from rollcall_consumer.runtime.restore import Progress
from rollcall_consumer.runtime.transactor import Transactor
from rollcall_consumer.runtime.workplace import Workplace
from rollcall_consumer.settings import ConsumerSettings
from rollcall_domain.service.source import Source
from rollcall_domain.topics import Topic

Waiting = Callable[[], AbstractContextManager[None]]
"""Waits in its body, with nothing in hand that is not to be left as it is: work that is to end is cancelled there."""


class Job(Protocol):
    """The work on one partition index, from its assignment on."""

    @property
    def caught_up(self) -> bool:
        """Whether all is handled that has to be before this replica is up to date."""

    @property
    def fault(self) -> str | None:
        """Why it has stopped by itself, if so, for people."""

    @property
    def progress(self) -> Progress:
        """How far is read back what it begins with."""

    def lag(self) -> int | None:
        """Count the records that are not handled yet, up to the first open transaction; None before the first fetch.

        Marks of transactions count as records.
        """

    def lag_seconds(self) -> float | None:
        """Tell how old the oldest record is that is not handled yet; None before the first fetch.

        Where that record has not been fetched yet, the last one that was stands for it, which is older.
        """

    def stop(self, grace: float) -> None:
        """Take no more in, and finish what is in hand within a time of grace, in seconds."""

    async def work(self, source: Source, transactor: Transactor, waiting: Waiting) -> None:
        """Work until stopped, or until there is a reason for not going on like this.

        Raises:
            UnknownOffsetError: An input is another topic than that on which work was done.
            KafkaError: Kafka can't be reached, or refuses.
            DoubtError: It is not known what has become of a transaction.
        """


class Jobs(Protocol):
    """The work of one replica, for as long as its process lives: it may keep what partitions need when they return."""

    def take(self, indexes: Collection[int], workplace: Workplace) -> Sequence[tuple[int, Job]]:
        """Begin with the work on these indexes; what is kept of others is of no use any more."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Measure what there is to be known of it beside lag."""


class Pipeline(Protocol):
    """Topics that are read and written, and what is done."""

    @property
    def name(self) -> str:
        """What the pipeline is called on the command line."""

    @property
    def source(self) -> Topic:
        """The topic that it reads."""

    @property
    def inbox(self) -> Topic:
        """The topic for records that are for it alone."""

    @property
    def topics(self) -> Sequence[Topic]:
        """All topics that it reads or writes."""

    def settings(self, given: ConsumerSettings) -> ConsumerSettings:
        """Give the settings with which it names its group and its topics."""

    def engaged(self, settings: ConsumerSettings) -> AbstractAsyncContextManager[Jobs]:
        """Have what its work takes while the body runs."""


def inputs_of(pipeline: Pipeline) -> Sequence[Topic]:
    """Name the topics that a pipeline reads."""
    return pipeline.source, pipeline.inbox
