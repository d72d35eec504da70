"""Jars from the Maven repository, in pure Python, by `jgo`.

Apart from `jars` because importing `jgo` takes longer than most of a start,
and a start with a filled cache does not need it.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from jgo.maven import MavenContext

from rollcall_dev.kafka.directories import is_fault
from rollcall_dev.kafka.errors import KafkaStartError
from rollcall_dev.kafka.jars import Jar, sha256
from rollcall_dev.kafka.progress import Progress

_CONNECTIONS = 4
_MEBIBYTE = 1024 * 1024


def fetch(jars: Iterable[Jar], target: Path, staged: Path, progress: Progress) -> None:
    """Put `jars` into `target`, each one whole or not at all.

    Args:
        jars: What to fetch.
        target: The directory for them; those that arrive before a failure stay.
        staged: A directory of the same file system for what is not yet checked.
        progress: Told of every jar.

    Raises:
        KafkaStartError: A jar could not be fetched, or is not the one pinned.
        OSError: A file could not be written.
    """
    wanted = list(jars)
    repository = MavenContext(repo_cache=staged)
    pool = ThreadPoolExecutor(_CONNECTIONS)
    fetched = 0
    try:
        downloads = pool.map(lambda jar: _download(jar, repository), wanted)
        for count, (jar, path) in enumerate(zip(wanted, downloads, strict=True), 1):
            fetched += path.stat().st_size
            path.replace(target / jar.file_name)
            size = f"{fetched / _MEBIBYTE:.1f} MiB"
            progress.update(f"fetched {count} of {len(wanted)} jars, {size}")
    finally:
        pool.shutdown(cancel_futures=True)
    progress.line(f"fetched {len(wanted)} jars, {fetched / _MEBIBYTE:.1f} MiB")


def _download(jar: Jar, repository: MavenContext) -> Path:
    project = repository.project(jar.group, jar.artifact)
    with _network_needed(jar):
        path = project.at_version(jar.version).artifact().resolve()
    # jgo only warns of a wrong checksum, which comes from where the jar came.
    if sha256(path) != jar.sha256:
        raise KafkaStartError(f"cannot use {jar}: what was fetched is not what is pinned")
    return path


@contextmanager
def _network_needed(jar: Jar) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError) as error:
        # The errors of jgo's HTTP client are OSErrors too, without these codes.
        if isinstance(error, OSError) and is_fault(error):
            raise
        reason = type(error).__name__
        raise KafkaStartError(
            f"cannot fetch {jar} ({reason}): the first start of Kafka needs the network and a Maven repository"
        ) from error
