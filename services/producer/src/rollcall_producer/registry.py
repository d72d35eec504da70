"""Where metrics are counted and shown: in this process, or where all workers can see them.

Workers count in files that each of them maps into its memory, and whichever is asked shows the sum over all. A file is
its worker's by number: whoever takes the place of one that has ended counts on from there.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Metric, ProcessCollector, values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from rollcall_domain.errors import ConfigurationError
from rollcall_domain.service.settings import env_name
from rollcall_producer.worker import Worker

MEMORY = Path("/dev/shm")  # noqa: S108 - a directory in it is made in the safe way
"""Where files take no disk, on Linux."""


class Registries(NamedTuple):
    """The registries of a process.

    Attributes:
        declared: What this process counts.
        shown: What `/metrics` shows.
    """

    declared: CollectorRegistry
    shown: CollectorRegistry


def registries(worker: Worker | None) -> Registries:
    """Set up counting. To be called before the first metric is declared.

    Args:
        worker: Which one of several this process is, or None if it is the only one.
    """
    shown = CollectorRegistry()
    if worker is None:
        ProcessCollector(registry=shown)
        return Registries(shown, shown)
    number = worker.number
    values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]
    MultiProcessCollector(shown, worker.directory)  # type: ignore[no-untyped-call]
    shown.register(_Processes(Path(worker.directory)))
    return Registries(CollectorRegistry(), shown)


def make_directory() -> tempfile.TemporaryDirectory[str]:
    """Make the directory that workers share; it is gone after use.

    Raises:
        ConfigurationError: It can be made nowhere.
    """
    prefix = f"rollcall-{os.getpid()}-"
    for place in (MEMORY, None):
        with contextlib.suppress(OSError):
            return tempfile.TemporaryDirectory(prefix=prefix, dir=place)
    raise ConfigurationError(
        env_name("workers"),
        f"more than one needs a place for metrics, and neither {MEMORY} nor a directory for temporary files can be "
        "written to; mount a tmpfs on /tmp, or set TMPDIR",
    )


def enter(directory: str, number: int, pid: int) -> None:
    """Note which process a worker is."""
    _entry(directory, number).write_text(str(pid))


def leave(directory: str, number: int) -> None:
    """Note that a worker's process has ended: what it holds counts no more, and what it has done still does."""
    _entry(directory, number).unlink()
    mark_process_dead(number, directory)  # type: ignore[no-untyped-call]


def _entry(directory: str, number: int) -> Path:
    return Path(directory, f"{number}.pid")


class _Processes(Collector):
    """What ProcessCollector tells of one process, for each worker."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def collect(self) -> Iterable[Metric]:
        families: dict[str, Metric] = {}
        for entry in sorted(self._directory.glob("*.pid")):
            with contextlib.suppress(FileNotFoundError):  # it has just ended
                pid = entry.read_text()
                for metric in ProcessCollector(pid=lambda pid=pid: pid, registry=None).collect():  # type: ignore[misc]
                    family = families.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
                    for sample in metric.samples:
                        family.add_sample(sample.name, {"worker": entry.stem}, sample.value)
        return families.values()
