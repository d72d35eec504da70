"""Write `jars.txt` anew after a change of `jars.ROOTS`.

python -m rollcall_dev.kafka.relock
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from jgo.maven import Artifact, MavenContext

from rollcall_dev.kafka.jars import PINS, ROOTS, Jar, sha256


def main() -> None:
    """Resolve the roots, fetch all jars, and pin them."""
    with TemporaryDirectory() as repository:
        jars = [_pin(artifact) for artifact in _resolve(Path(repository))]
    lines = (f"{jar} {jar.sha256}\n" for jar in sorted(jars))
    PINS.write_text("".join(lines))


def _resolve(repository: Path) -> list[Artifact]:
    context = MavenContext(repo_cache=repository)
    roots = [context.create_dependency(root) for root in ROOTS]
    direct, transitive = context.resolver.resolve(roots)
    needed = [d for d in transitive if d.scope in {"compile", "runtime"}]
    return [dependency.artifact for dependency in [*direct, *needed]]


def _pin(artifact: Artifact) -> Jar:
    path = artifact.resolve()
    return Jar(artifact.groupId, artifact.artifactId, artifact.version, sha256(path))


if __name__ == "__main__":
    main()
