"""The API as a process of its own, at the same address whenever it is started."""

from collections.abc import Mapping
from pathlib import Path

from rollcall_dev.chaos.callers import Door
from rollcall_dev.chaos.process import Service
from rollcall_dev.kafka import ports

_PROGRAM = """
import sys
from rollcall_producer import __main__, kafka
kafka.RENEWAL = int(sys.argv.pop(1)) or kafka.RENEWAL
__main__.main()
"""

NUMBERS = 1000
"""Processes that an API may be, one after the other, before they have the numbers of the next one."""


class Api(Service):
    """The API.

    Args:
        servers: Kafka's bootstrap servers.
        settings: Its settings, by their names in lower case.
        log: The file that gets what it logs.
        renewal: Records of a partition after which it replaces its Kafka client, or 0 for its own number.
        number: Which one it is, if there are several.

    Attributes:
        door: Where it is.
    """

    def __init__(
        self, servers: str, settings: Mapping[str, object], log: Path, renewal: int = 0, number: int = 0
    ) -> None:
        super().__init__(servers, settings, log, ["-c", _PROGRAM, str(renewal)])
        self.door = Door(ports.HOST, self.port, number * NUMBERS)

    async def launch(self) -> None:
        """Start it."""
        self.door.process += 1
        await super().launch()
