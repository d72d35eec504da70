"""How far a worker is behind, its group as well, and how far its state is read back, measured when somebody asks."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from rollcall_consumer.runtime.worker import Worker


class LagCollector(Collector):
    """Lag in records and in seconds, and what is left to be restored, for each partition that this replica holds.

    And what is to be expected of the whole group, which each replica finds out for itself.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Measure."""
        yield from self._collect_partitions()
        yield from self._worker.collect()
        outlook = self._worker.outlook
        left = GaugeMetricFamily(
            "rollcall_group_seconds_left", "Seconds until the group has caught up at its present pace"
        )
        wanted = GaugeMetricFamily(
            "rollcall_group_wanted_replicas", "Replicas with which the group would catch up in time"
        )
        if outlook is not None:
            left.add_metric([], outlook.seconds_left)
            if outlook.replicas is not None:
                wanted.add_metric([], outlook.replicas)
        yield left
        yield wanted

    def _collect_partitions(self) -> Iterator[GaugeMetricFamily]:
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
        for task in self._worker.tasks:
            label = [str(task.index)]
            left.add_metric(label, task.job.progress.left)
            restoring.add_metric(label, task.job.progress.seconds)
            if (lag := task.job.lag()) is not None:
                records.add_metric(label, lag)
            if (age := task.job.lag_seconds()) is not None:
                seconds.add_metric(label, age)
        yield records
        yield seconds
        yield left
        yield restoring
