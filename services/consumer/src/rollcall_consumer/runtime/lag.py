"""How far a worker is behind, and how far its state is read back, measured when somebody asks."""

from collections.abc import Callable, Collection, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from rollcall_consumer.runtime.partition import PartitionTask


class LagCollector(Collector):
    """Lag in records and in seconds, and what is left to be restored, for each partition that this replica holds."""

    def __init__(self, tasks: Callable[[], Collection[PartitionTask]]) -> None:
        self._tasks = tasks

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Measure."""
        records = GaugeMetricFamily("rollcall_lag_records", "Records not handled yet", labels=["partition"])
        seconds = GaugeMetricFamily(
            "rollcall_lag_seconds", "Age of the oldest record known not to be handled yet", labels=["partition"]
        )
        left = GaugeMetricFamily(
            "rollcall_restore_records_left", "Records of the state that are not read back yet", labels=["partition"]
        )
        restoring = GaugeMetricFamily(
            "rollcall_restore_seconds", "Seconds that it has taken to read the state back", labels=["partition"]
        )
        for task in self._tasks():
            label = [str(task.index)]
            left.add_metric(label, task.progress.left)
            restoring.add_metric(label, task.progress.seconds)
            if (lag := task.lag()) is not None:
                records.add_metric(label, lag)
            if (age := task.lag_seconds()) is not None:
                seconds.add_metric(label, age)
        yield records
        yield seconds
        yield left
        yield restoring
