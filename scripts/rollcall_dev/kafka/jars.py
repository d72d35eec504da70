"""The jars that make up Kafka: every one pinned, with its SHA-256."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

KAFKA_VERSION = "4.3.1"

# Kafka's POM pins its own dependencies exactly; `jars.txt` records them all the
# same, so that nothing needs resolving at run time and every byte is checked.
# Kafka brings the API of SLF4J 1.7 but leaves the choice of a binding to us.
ROOTS = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    "org.slf4j:slf4j-simple:1.7.36",
)

PINS = Path(__file__).with_name("jars.txt")


@dataclass(frozen=True, slots=True, order=True)
class Jar:
    """One artifact: its Maven coordinates and what it must contain."""

    group: str
    artifact: str
    version: str
    sha256: str

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read `group:artifact:version sha256`."""
        coordinates, sha256 = line.split()
        group, artifact, version = coordinates.split(":")
        return cls(group, artifact, version, sha256)

    def __str__(self) -> str:
        """Return the Maven coordinates."""
        return f"{self.group}:{self.artifact}:{self.version}"

    @property
    def file_name(self) -> str:
        """The file's name in a Maven repository."""
        return f"{self.artifact}-{self.version}.jar"


def pinned() -> list[Jar]:
    """Return all jars of the class path, in its order."""
    return [Jar.parse(line) for line in PINS.read_text().splitlines()]


def pins_digest() -> str:
    """Return a short name for exactly this set of jars."""
    return hashlib.sha256(PINS.read_bytes()).hexdigest()[:12]


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
