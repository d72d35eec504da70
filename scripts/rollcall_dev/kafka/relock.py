"""Write `jars.txt` and `mirror-jars.txt` anew after a change of the roots in `jars`.

python -m rollcall_dev.kafka.relock
"""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from jgo.maven import Artifact, MavenContext

from rollcall_dev.kafka.jars import MIRROR_NEEDS, MIRROR_PINS, MIRROR_ROOT, PINS, ROOTS, Jar, sha256


def main() -> None:
    """Resolve the roots, fetch all jars, and pin them."""
    with TemporaryDirectory() as repository:
        context = MavenContext(repo_cache=Path(repository))
        _write(PINS, _resolve(context, ROOTS))
        needed = [artifact for artifact in _resolve(context, [MIRROR_ROOT]) if artifact.artifactId in MIRROR_NEEDS]
        _write(MIRROR_PINS, needed)


def _resolve(context: MavenContext, coordinates: Iterable[str]) -> list[Artifact]:
    roots = [context.create_dependency(root) for root in coordinates]
    direct, transitive = context.resolver.resolve(roots)
    needed = [d for d in transitive if d.scope in {"compile", "runtime"}]
    return [dependency.artifact for dependency in [*direct, *needed]]


def _write(pins: Path, artifacts: Iterable[Artifact]) -> None:
    jars = sorted(_pin(artifact) for artifact in artifacts)
    pins.write_text("".join(f"{jar} {jar.sha256}\n" for jar in jars))


def _pin(artifact: Artifact) -> Jar:
    path = artifact.resolve()
    return Jar(artifact.groupId, artifact.artifactId, artifact.version, sha256(path))


if __name__ == "__main__":
    main()
