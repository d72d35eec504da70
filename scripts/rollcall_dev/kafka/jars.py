"""The jars that make up Kafka, and those of MirrorMaker beside them: every one pinned, with its SHA-256."""

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

# Of what MirrorMaker needs by its POM, what is not Kafka's already and is used where it serves no REST.
MIRROR_ROOT = f"org.apache.kafka:connect-mirror:{KAFKA_VERSION}"
MIRROR_NEEDS = (
    "connect-api",
    "connect-json",
    "connect-mirror",
    "connect-mirror-client",
    "connect-runtime",
    "jackson-module-blackbird",
    "jakarta.ws.rs-api",
    "maven-artifact",
)

PINS = Path(__file__).with_name("jars.txt")
MIRROR_PINS = Path(__file__).with_name("mirror-jars.txt")


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


def pinned(pins: Path = PINS) -> list[Jar]:
    """Return all jars of a list, in the order of the class path."""
    return [Jar.parse(line) for line in pins.read_text().splitlines()]


def pins_digest() -> str:
    """Return a short name for exactly the set of Kafka's own jars."""
    return hashlib.sha256(PINS.read_bytes()).hexdigest()[:12]


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
