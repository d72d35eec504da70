"""The API as a process of its own, at the same address whenever it is started."""

import asyncio
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import msgspec

from rollcall_dev.chaos.callers import Door
from rollcall_dev.chaos.http import BROKEN, Connection, request
from rollcall_dev.kafka import ports
from rollcall_dev.leash import leashed

START_LIMIT = 60.0
"""Seconds for the API to become ready, and to end."""

_LOOK = 0.05

_PROGRAM = """
import sys
from rollcall_producer import __main__, kafka
kafka.RENEWAL = int(sys.argv.pop(1)) or kafka.RENEWAL
__main__.main()
"""


class Api:
    """The API.

    Args:
        servers: Kafka's bootstrap servers.
        settings: Its settings, by their names in lower case.
        log: The file that gets what it logs.
        renewal: Records of a partition after which it replaces its Kafka client, or 0 for its own number.

    Attributes:
        door: Where it is.
    """

    def __init__(self, servers: str, settings: Mapping[str, object], log: Path, renewal: int = 0) -> None:
        self.door = Door(ports.HOST, ports.choose())
        given = {"bootstrap_servers": servers, "port": self.door.port, "log_format": "json", **settings}
        self._environ = {name: value for name, value in os.environ.items() if not name.startswith("ROLLCALL_")}
        self._environ |= {f"ROLLCALL_{name.upper()}": str(value) for name, value in given.items()}
        self._log = log
        self._renewal = renewal
        self._process: asyncio.subprocess.Process | None = None

    async def death(self) -> str:
        """Wait until it ends without having been told to, and tell how."""
        while True:
            process = self._process
            if process is None:
                await asyncio.sleep(_LOOK)
                continue
            status = await process.wait()
            if process is self._process:
                return f"the API ended with status {status}: {' '.join(self._log.read_text().splitlines()[-1:])}"

    async def start(self) -> None:
        """Start it, and wait until it is ready."""
        self.door.process += 1
        with self._log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *leashed([sys.executable, "-c", _PROGRAM, str(self._renewal)]),
                env=self._environ,
                stdin=asyncio.subprocess.PIPE,  # the leash
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        async with asyncio.timeout(START_LIMIT):
            while await self._get("/readyz") is None:  # noqa: ASYNC110 - can only be asked
                await asyncio.sleep(_LOOK)

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send it a signal, and wait for its exit status; 0 if it does not run."""
        process, self._process = self._process, None
        if process is None:
            return 0
        if process.returncode is None:
            process.send_signal(number)
        async with asyncio.timeout(START_LIMIT):
            return await process.wait()

    async def metrics(self) -> dict[str, float]:
        """Read its metrics that have no labels."""
        text = await self._get("/metrics") or ""
        return {name: float(value) for name, value in re.findall(r"^(\w+) (\S+)$", text, re.MULTILINE)}

    async def _get(self, path: str) -> str | None:
        connection = Connection(self.door.host, self.door.port)
        try:
            await connection.open()
            answer = await connection.ask(request("GET", path, {}, b""))
        except BROKEN:
            return None
        finally:
            connection.drop()
        return answer.body.decode() if answer.status == 200 else None  # noqa: PLR2004 - OK

    def warnings(self) -> Counter[str]:
        """Count what it has logged that is more than information."""
        told: Counter[str] = Counter()
        for line in self._log.read_bytes().splitlines():
            try:
                event = msgspec.json.decode(line)
            except msgspec.DecodeError:
                event = {"event": line.decode(errors="replace")}
            if event.get("level") != "info":
                told[f"{event['event']} {event.get('reason', '')}".strip().partition("\n")[0]] += 1
        return told
