"""Getting and making, once, all that a start of Kafka needs."""

import time
from pathlib import Path

from rollcall_dev.kafka import archive, cache, runtime, storage
from rollcall_dev.kafka.directories import filling
from rollcall_dev.kafka.jars import KAFKA_VERSION, MIRROR_PINS, PINS
from rollcall_dev.kafka.progress import Progress
from rollcall_dev.kafka.runtime import Runtime

# Twice what the parts take, because they are made beside what is there.
_SPACE = 256 * 1024 * 1024


def install(progress: Progress) -> Runtime:
    """Return a runtime with all its parts, which mostly are there already.

    Raises:
        KafkaStartError: A part could not be fetched, made or kept.
    """
    found = runtime.locate()
    if found.complete:
        return found
    with filling(found.home, _SPACE), cache.staging(found.home, progress) as staged:
        # Another process may have completed it while this one waited.
        if not found.complete:
            _complete(found, staged, progress)
    return found


def install_mirror(progress: Progress) -> Runtime:
    """Return a runtime that has the jars of MirrorMaker as well.

    Raises:
        KafkaStartError: A part could not be fetched, made or kept.
    """
    found = install(progress)
    if found.missing_jars(MIRROR_PINS):
        with filling(found.home, _SPACE), cache.staging(found.home, progress) as staged:
            _fetch(found, MIRROR_PINS, staged, progress)
    return found


def _complete(found: Runtime, staged: Path, progress: Progress) -> None:
    started = time.monotonic()
    progress.line(f"preparing Apache Kafka {KAFKA_VERSION} in {found.home}, once")
    runtime.check_executable(found)
    _fetch(found, PINS, staged, progress)
    if not found.checkpoint.exists():
        progress.update("formatting storage")
        storage.make_checkpoint(found, staged).replace(found.checkpoint)
    if not found.archive.exists():
        progress.update("recording a start, to make the next ones short")
        archive.record(found, staged).replace(found.archive)
    progress.line(f"prepared in {time.monotonic() - started:.0f} s")


def _fetch(found: Runtime, pins: Path, staged: Path, progress: Progress) -> None:
    if missing := found.missing_jars(pins):
        from rollcall_dev.kafka import maven  # noqa: PLC0415 - takes long, see there

        found.jars.mkdir(exist_ok=True)
        maven.fetch(missing, found.jars, staged, progress)
